import { GvmError, isGvmError } from '../errors/index.ts';
import type { FileSystem } from './fs/file-system.ts';
import { openFileSystem } from './fs/registry.ts';
import { type FstabEntry, parseFstab } from './fstab.ts';
import type { Layout, Volume } from './layout.ts';
import { CachedSource } from './source/cached.ts';
import { NodeSource } from './source/node.ts';
import { asDiagnostic, type Diagnostic } from './trouble.ts';
import { type Located, Vfs } from './vfs.ts';

export type Readable = Volume & { fs: FileSystem };
/** A tree of files, and the volume that it lies on. */
export interface Root {
  volume: Readable;
  fs: FileSystem;
}

export const isReadable = (volume: Volume): volume is Readable => volume.fs !== undefined;

/** Files that a root has, and what each is worth. */
const SIGNS = [
  ['/etc/os-release', 4],
  ['/usr/lib/os-release', 4],
  ['/etc/fstab', 2],
  ['/etc/passwd', 2],
  ['/sbin/init', 1],
] as const;
/** Where live media keep the root of their system, as a file. */
const LIVE_ROOTS = [
  '/live/filesystem.squashfs',
  '/casper/filesystem.squashfs',
  '/image.squashfs',
  '/LiveOS/squashfs.img',
  '/LiveOS/rootfs.img',
  '/arch/x86_64/airootfs.sfs',
];
const LARGEST_TABLE = 2 ** 20;

/** The tree of files that a mount of a volume shows, whole or with a subvolume of it; undefined where it has no such. */
export async function treeOf(
  { fs }: Readable,
  subvolume: string | undefined,
  signal?: AbortSignal,
): Promise<FileSystem | undefined> {
  return subvolume === undefined || !fs.subvolume ? fs : fs.subvolume(subvolume, signal);
}

/** What the options of an fstab entry pick out of a Btrfs. */
export function subvolumeOf({ type, options }: FstabEntry): string | undefined {
  if (type !== 'btrfs') return undefined;
  for (const option of options) {
    const [, kind, value = ''] = /^subvol(id)?=(.*)$/.exec(option) ?? [];
    if (value !== '') return kind ? `id=${value}` : value;
  }
  return undefined;
}

/** A volume by its name, or `VOLUME:SUBVOLUME`. */
export async function namedRoot(layout: Layout, name: string, signal?: AbortSignal): Promise<Root> {
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
export async function findRoot(layout: Layout, signal?: AbortSignal): Promise<Root> {
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
  const root = best?.root ?? (await liveRoot(candidates, signal));
  if (root) return root;
  if (candidates.length === 1) return { volume: only, fs: only.fs };
  throw new GvmError({
    code: 'usage',
    message: 'no volume of the disk looks like the root of a system',
    hint: `say which one: --volume ${candidates.map((volume) => volume.name).join(', --volume ')}`,
  });
}

/** The root that lies as a file in one of the volumes, as on live media. */
async function liveRoot(candidates: readonly Readable[], signal?: AbortSignal): Promise<Root | undefined> {
  for (const volume of candidates) {
    let inner: Readable | undefined = volume;
    // The outer one of Fedora's holds the inner one as a file again.
    for (let depth = 0; inner && depth < 2; depth++) {
      const outer: Readable = inner;
      inner = undefined;
      for (const path of LIVE_ROOTS) {
        const found = await new Vfs(outer.fs).find(path, { signal }).catch(asDiagnostic);
        inner ??= found && 'node' in found ? await volumeIn(outer, found, signal) : undefined;
      }
      if (inner && (await worthOf(inner.fs, undefined, signal)) > 0) return { volume: inner, fs: inner.fs };
    }
  }
  return undefined;
}

/** The file system that a file holds, as a volume on that in which the file stands; undefined where it holds none. */
export async function volumeIn(
  outer: Readable,
  { node, path }: Located,
  signal?: AbortSignal,
): Promise<Readable | undefined> {
  if (node.stat.type !== 'file') return undefined;
  const source = new CachedSource(new NodeSource(node));
  const fs = await openFileSystem(source, undefined, signal);
  const name = `${outer.name}:${path.toString('utf8')}`;
  return fs && overOthers({ name, on: [outer.name], how: 'file', size: source.size, source, fs });
}

/** A volume that is no part of the layout, made of others. */
export function overOthers(made: Pick<Readable, 'name' | 'on' | 'how' | 'size' | 'source' | 'fs'>): Readable {
  const { type, uuid, label } = made.fs;
  const none = { partition: undefined, start: undefined, reason: undefined };
  return { ...made, ...none, content: type, uuid, label, diagnostics: [...made.fs.diagnostics] };
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

export async function readTable(
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
