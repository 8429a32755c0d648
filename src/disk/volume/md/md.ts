import type { Member, VolumeManager } from '../manager.ts';
import { assembleArray } from './array.ts';
import { levelName, type MdHead } from './head.ts';
import { readMdHead } from './superblock.ts';

/** MD, the software RAID of Linux. */
export const md: VolumeManager<MdHead> = {
  name: 'md',
  probe: readMdHead,
  place: ({ place }) => place,
  describe: ({ level, name, uuid }) => ({
    content: `MD ${levelName(level)}`,
    uuid: uuid.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    label: name,
  }),
  async assemble(members) {
    const arrays = new Map<string, Member<MdHead>[]>();
    for (const member of members) {
      const { uuid, version } = member.head;
      const key = `${version} ${uuid}`;
      arrays.set(key, [...(arrays.get(key) ?? []), member]);
    }
    return { made: [...arrays.values()].map(assembleArray), notes: [] };
  },
};
