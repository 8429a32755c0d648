import { GvmError, isGvmError } from '../errors/index.ts';
import type { FileSystem } from './fs/file-system.ts';
import { type FstabEntry, parseCrypttab, parseFstab } from './fstab.ts';
import type { Layout, Volume } from './layout.ts';
import { asDiagnostic, type Diagnostic } from './trouble.ts';
import { type Mount, Vfs } from './vfs.ts';

/** The files of an image as its system would see them. */
export interface ImageTree {
  vfs: Vfs;
  /** What is mounted where; the root first. */
  mounts: { path: string; volume: Volume }[];
  diagnostics: Diagnostic[];
}

type Readable = Volume & { fs: FileSystem };
/** A tree of files, and the volume that it lies on. */
interface Root {
  volume: Readable;
  fs: FileSystem;
}

const isReadable = (volume: Volume): volume is Readable => volume.fs !== undefined;

/** Files that a root has, and what each is worth. */
const SIGNS = [
  ['/etc/os-release', 4],
  ['/usr/lib/os-release', 4],
  ['/etc/fstab', 2],
  ['/etc/passwd', 2],
  ['/sbin/init', 1],
] as const;
const LARGEST_TABLE = 2 ** 20;

/**
 * The tree of one volume alone, or without a name that of the root with what its fstab mounts.
 * @throws GvmError `usage` for an unknown volume, or when no root can be told; `no-filesystem`, `corrupt`, `unsupported`
 */
export async function openTree(layout: Layout, name?: string, signal?: AbortSignal): Promise<ImageTree> {
  if (name !== undefined) {
    const { volume, fs } = await namedRoot(layout, name, signal);
    return { vfs: new Vfs(fs), mounts: [{ path: '/', volume }], diagnostics: [...volume.diagnostics] };
  }
  const root = await findRoot(layout, signal);
  const diagnostics = [...root.volume.diagnostics];
  const mounts = [{ path: '/', volume: root.volume as Volume }];
  const joined: Mount[] = [];
  const text = (path: string) => readTable(root.fs, path, diagnostics, signal);
  const opened = parseCrypttab(await text('/etc/crypttab'));
  for (const entry of parseFstab(await text('/etc/fstab'))) {
    const volume = resolveDevice(layout, entry.device, opened);
    const path = entry.path;
    const subvolume = subvolumeOf(entry);
    const itself = volume === root.volume && subvolume === undefined;
    if (itself || !path.startsWith('/') || path === '/' || isVirtual(entry)) continue;
    const skip = (why: string) => {
      const message = `${entry.device} on ${path} is not joined: ${why}`;
      diagnostics.push({ structure: 'fstab', offset: undefined, message });
    };
    if (!volume) skip('no volume is that');
    else if (!isReadable(volume)) skip(`${volume.name} holds ${volume.content ?? 'nothing that gvm knows'}`);
    else {
      const fs = await treeOf(volume, subvolume, signal);
      if (!fs) {
        skip(`${volume.name} has no subvolume ${subvolume}`);
        continue;
      }
      mounts.push({ path, volume });
      joined.push({ path, fs });
      if (volume !== root.volume) diagnostics.push(...volume.diagnostics);
    }
  }
  return { vfs: new Vfs(root.fs, joined), mounts, diagnostics };
}

/** The tree of files that a mount of a volume shows, whole or with a subvolume of it; undefined where it has no such. */
async function treeOf(
  { fs }: Readable,
  subvolume: string | undefined,
  signal?: AbortSignal,
): Promise<FileSystem | undefined> {
  return subvolume === undefined || !fs.subvolume ? fs : fs.subvolume(subvolume, signal);
}

/** What the options of an fstab entry pick out of a Btrfs. */
function subvolumeOf({ type, options }: FstabEntry): string | undefined {
  if (type !== 'btrfs') return undefined;
  for (const option of options) {
    const [, kind, value = ''] = /^subvol(id)?=(.*)$/.exec(option) ?? [];
    if (value !== '') return kind ? `id=${value}` : value;
  }
  return undefined;
}

/** A volume by its name, or `VOLUME:SUBVOLUME`. */
async function namedRoot(layout: Layout, name: string, signal?: AbortSignal): Promise<Root> {
  const [over] = layout.volumes
    .filter((volume) => isReadable(volume) && volume.fs.subvolume && name.startsWith(`${volume.name}:`))
    .sort((a, b) => b.name.length - a.name.length);
  const known = layout.volumes.some((volume) => volume.name === name);
  if (known || !over) {
    const volume = readable(layout, name);
    return { volume, fs: volume.fs };
  }
  const volume = readable(layout, over.name);
  const subvolume = name.slice(volume.name.length + 1);
  const fs = await treeOf(volume, subvolume, signal);
  if (fs) return { volume, fs };
  const names = (await volume.fs.subvolumes?.(signal)) ?? [];
  throw new GvmError({
    code: 'usage',
    message: `volume ${volume.name} has no subvolume ${subvolume}`,
    hint: names.length > 0 ? `its subvolumes are ${names.join(', ')}, and what lies below them` : 'it has none',
  });
}

function readable(layout: Layout, name: string): Readable {
  const volume = layout.volumes.find((candidate) => candidate.name === name);
  const names = layout.volumes.map((candidate) => candidate.name).join(', ');
  if (!volume) {
    throw new GvmError({ code: 'usage', message: `the disk has no volume ${name}`, hint: `its volumes are ${names}` });
  }
  if (isReadable(volume)) return volume;
  throw unreadable(volume);
}

function unreadable({ name, content, reason }: Volume): GvmError {
  if (reason?.code === 'locked') return reason;
  return new GvmError({
    code: reason?.code ?? 'unsupported',
    message: reason
      ? `volume ${name}: ${reason.message}`
      : `volume ${name} holds ${content ?? 'no file system'}, which gvm does not read`,
    details: { ...reason?.details, volume: name },
  });
}

/** The volume, or the subvolume, that looks most like a root; the only readable one where none does. */
async function findRoot(layout: Layout, signal?: AbortSignal): Promise<Root> {
  const candidates = layout.volumes.filter(isReadable);
  const [only] = candidates;
  if (!only) {
    const [volume] = layout.volumes;
    if (layout.volumes.length === 1 && volume) throw unreadable(volume);
    const held = layout.volumes.map(({ name, content }) => `${name} ${content ?? 'unknown'}`).join(', ');
    throw new GvmError({
      code: 'no-filesystem',
      message: `the disk has no file system that gvm reads: ${held || 'no volumes'}`,
    });
  }
  let best: { root: Root; worth: number } | undefined;
  for (const volume of candidates) {
    for (const { fs, name } of await treesOf(volume, signal)) {
      const worth = await worthOf(fs, name, signal);
      if (worth > (best?.worth ?? 0)) best = { root: { volume, fs }, worth };
    }
  }
  if (best) return best.root;
  if (candidates.length === 1) return { volume: only, fs: only.fs };
  throw new GvmError({
    code: 'usage',
    message: 'no volume of the disk looks like the root of a system',
    hint: `say which one: --volume ${candidates.map((volume) => volume.name).join(', --volume ')}`,
  });
}

/** The tree that a volume shows by itself, and those of its subvolumes. */
async function treesOf({ fs }: Readable, signal?: AbortSignal): Promise<{ fs: FileSystem; name?: string }[]> {
  const found: { fs: FileSystem; name?: string }[] = [{ fs }];
  try {
    for (const name of (await fs.subvolumes?.(signal)) ?? []) {
      const tree = await fs.subvolume?.(name, signal);
      if (tree) found.push({ fs: tree, name });
    }
  } catch (error) {
    asDiagnostic(error);
  }
  return found;
}

/** What the signs of a root are worth together. Of a root and its snapshots, the fstab within says which it is. */
async function worthOf(fs: FileSystem, subvolume: string | undefined, signal?: AbortSignal): Promise<number> {
  const vfs = new Vfs(fs);
  let worth = 0;
  for (const [path, value] of SIGNS) {
    try {
      if (await vfs.find(path, { follow: false, signal })) worth += value;
    } catch (error) {
      asDiagnostic(error);
    }
  }
  if (worth === 0 || subvolume === undefined) return worth;
  const entries = parseFstab(await readTable(fs, '/etc/fstab', [], signal));
  const own = entries.some((entry) => entry.path === '/' && subvolumeOf(entry)?.replace(/^\//, '') === subvolume);
  return own ? worth + 1 : worth;
}

async function readTable(
  fs: FileSystem,
  path: string,
  diagnostics: Diagnostic[],
  signal?: AbortSignal,
): Promise<string> {
  try {
    return (await new Vfs(fs).readFile(path, { limit: LARGEST_TABLE, signal })).toString('utf8');
  } catch (error) {
    if (isGvmError(error) && (error.code === 'file-missing' || error.code === 'usage')) return '';
    diagnostics.push(asDiagnostic(error));
    return '';
  }
}

/** Entries that no disk stands behind, or that are no mount of their own. */
function isVirtual({ device, type, options }: FstabEntry): boolean {
  const kernel = [
    'swap',
    'proc',
    'sysfs',
    'tmpfs',
    'devtmpfs',
    'devpts',
    'overlay',
    'nfs',
    'nfs4',
    'cifs',
    '9p',
    'virtiofs',
  ];
  return kernel.includes(type) || options.includes('bind') || options.includes('rbind') || device === 'none';
}

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
