import { parseFstab, resolveDevice } from '../../disk/index.ts';
import type { PoweredOff } from '../../facts/powered-off.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// fstab(5), each entry with the volume of the disk that it means. An entry whose device no volume of the disk is, and
// that a boot waits for, is trouble.

const schema = (z: Zod) =>
  z.array(
    z.strictObject({
      device: z.string(),
      path: z.string(),
      type: z.string(),
      options: z.array(z.string()),
      volume: z.string().optional().meta({ description: 'the volume of the disk, where it has it' }),
      trouble: z.string().optional(),
    }),
  );

type Mounts = Told<typeof schema>;

export const mountsSection = defineSection<Mounts>({
  name: 'mounts',
  title: 'Mounts (fstab)',
  schema,
  read: ({ disk }) => fstabEntries(disk),
  rows: (mounts) =>
    mounts.map(({ path, device, type, volume, options, trouble }) => [
      path,
      type,
      device,
      trouble === undefined ? (volume ?? '') : `! ${trouble}`,
      options.join(','),
    ]),
});

/** Devices that a disk of its own, a network or the kernel stands behind, not this disk. */
const ELSEWHERE = /^(?:none|\/dev\/(?:cdrom|sr\d+|fd\d+|zram\d+)|[^/]+:.*|\/\/.*)$/;
const LATE = ['noauto', 'nofail', '_netdev'];

/** The entries of fstab resolved to volumes; undefined where there is no fstab. */
export async function fstabEntries(disk: PoweredOff): Promise<Mounts | undefined> {
  const text = await disk.text('/etc/fstab');
  if (text === undefined) return undefined;
  return parseFstab(text).map(({ device, path, type, options }) => {
    const volume = resolveDevice(disk.layout, device);
    const entry = { device, path, type, options, ...(volume ? { volume: volume.name } : {}) };
    const isDevice = /^(?:\/dev\/|UUID=|LABEL=|PARTUUID=|PARTLABEL=)/.test(device) && !ELSEWHERE.test(device);
    // Volumes whose label or UUID is not read (swap, what is encrypted) may be meant by a name that is not found.
    const unread = disk.layout.volumes.some((v) => v.fs === undefined && v.content !== undefined);
    if (volume || !isDevice || (unread && type === 'swap') || /^\/dev\/(?:mapper\/|md|disk\/by-id)/.test(device))
      return entry;
    const waits = options.some((option) => LATE.includes(option))
      ? 'no volume of the disk is that'
      : 'no volume of the disk is that; the boot waits for it';
    return { ...entry, trouble: waits };
  });
}
