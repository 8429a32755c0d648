import { GvmError } from '../../../errors/index.ts';
import type { Made, Member, VolumeManager } from '../../volume/manager.ts';
import { btrfs, openDevices, uuidText } from './btrfs.ts';
import { readSuperblock, SUPERBLOCK, type Superblock } from './superblock.ts';

/** Btrfs on several devices: they are members of one file system. */
export const btrfsDevices: VolumeManager<Superblock> = {
  name: 'btrfs',
  async probe(source, signal) {
    if (!(await btrfs.probe(source, signal))) return undefined;
    const sb = await readSuperblock(source, signal);
    return sb.devices > 1 ? sb : undefined;
  },
  place: () => SUPERBLOCK,
  describe: ({ device, devices, uuid, label }) => ({
    content: `btrfs device ${device} of ${devices}`,
    uuid: uuidText(uuid),
    label: label === '' ? undefined : label,
  }),
  async assemble(members, { signal }) {
    const groups = new Map<string, Member<Superblock>[]>();
    for (const member of members) {
      const key = member.head.uuid.toString('hex');
      groups.set(key, [...(groups.get(key) ?? []), member]);
    }
    const made: Made[] = [];
    for (const group of groups.values()) made.push(await open(group, signal));
    return { made, notes: [] };
  },
};

async function open(members: readonly Member<Superblock>[], signal?: AbortSignal): Promise<Made> {
  const [first] = members as [Member<Superblock>];
  const { label, uuid, size } = first.head;
  const name = `btrfs:${/^[\w.+-]{1,64}$/.test(label) ? label : uuid.toString('hex').slice(0, 8)}`;
  const made = { name, how: 'Btrfs', on: members.map((one) => one.name), size, diagnostics: [] };
  try {
    const devices = members.map(({ source, head }) => ({ source, sb: head }));
    return { ...made, source: first.source, fs: await openDevices(devices, signal) };
  } catch (error) {
    if (error instanceof GvmError) return { ...made, source: error };
    throw error;
  }
}
