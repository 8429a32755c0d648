import type { Layout, Volume } from './layout.ts';

/**
 * The volume that a device name of fstab(5) means. Of disks by letter there is only the first.
 * @param opened the devices below encrypted ones, by the names that crypttab(5) gives these
 */
export function resolveDevice(
  layout: Layout,
  device: string,
  opened: ReadonlyMap<string, string> = new Map(),
): Volume | undefined {
  const by = (find: (volume: Volume) => boolean) => layout.volumes.find(find);
  const tag = /^(UUID|LABEL|PARTUUID|PARTLABEL)="?([^"]*)"?$/.exec(device);
  const link = /^\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/(.+)$/.exec(device);
  const [kind, value] = tag ? [tag[1], tag[2]] : [link?.[1]?.toUpperCase(), link?.[2]];
  if (kind && value !== undefined) {
    const same = (other: string | undefined) => other !== undefined && other.toLowerCase() === value.toLowerCase();
    // Members of a file system carry its UUID, too.
    if (kind === 'UUID') return by(({ fs }) => same(fs?.uuid)) ?? by(({ uuid }) => same(uuid));
    if (kind === 'LABEL') return by((volume) => volume.fs?.label === value);
    if (kind === 'PARTUUID') return by((volume) => same(volume.partition?.uuid));
    return by((volume) => volume.partition?.name === value);
  }
  const mapped = /^\/dev\/mapper\/([^/]+)$/.exec(device)?.[1];
  if (mapped !== undefined) {
    const logical = by(({ name }) => name.includes('/') && name.replaceAll('-', '--').replace('/', '-') === mapped);
    if (logical) return logical;
    const below = opened.get(mapped);
    // systemd opens by this name what no table names.
    const inside = resolveDevice(layout, below ?? `UUID=${/^luks-(.+)$/.exec(mapped)?.[1] ?? ''}`);
    return inside && by(({ name }) => name === `luks:${inside.name}`);
  }
  const named = by(({ name, start }) => start === undefined && device === `/dev/${name}`);
  if (named) return named;
  const number = /^\/dev\/(?:[svhx]da|xvda|nvme0n1p|mmcblk0p)(\d+)$/.exec(device)?.[1];
  const name = number ? `p${number}` : /^\/dev\/(?:[svhx]da|nvme0n1|mmcblk0)$/.test(device) ? 'disk' : undefined;
  // A file system on several devices goes by the name of any of them.
  return (
    by(({ fs, on, how }) => fs !== undefined && how === 'Btrfs' && on.includes(name ?? '')) ??
    by((one) => one.name === name)
  );
}
