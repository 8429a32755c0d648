import { GvmError } from '../../errors/index.ts';
import type { FstabEntry } from '../fstab.ts';
import type { Layout } from '../layout.ts';
import { namedRoot, overOthers, type Readable, volumeIn } from '../root.ts';
import { type Located, Vfs } from '../vfs.ts';
import type { MarkSpace } from './marks.ts';
import { overlayMount } from './options.ts';
import { OverlayFileSystem } from './overlay.ts';

const MOST_WITHIN = 4;

/**
 * The volumes and folders that were named, laid over one another, or the only one by itself.
 * @param names `VOLUME`, `VOLUME:/FOLDER` or `VOLUME:/FILE`, a file that holds a file system; top first
 * @throws GvmError `usage` for what is not there or no folder; `corrupt`, `unsupported`
 */
export async function layered(layout: Layout, names: readonly string[], signal?: AbortSignal): Promise<Readable> {
  const found: Found[] = [];
  for (const name of names) found.push(await namedLayer(layout, name, signal));
  // Nothing says how the overlay is mounted: both kinds of marks count.
  return overlayOf('overlay', found, ['trusted', 'user']);
}

/** A directory that takes part, and the volume on which it lies. */
interface Found {
  volume: Pick<Readable, 'name' | 'size' | 'source'>;
  at: Located;
}

function overlayOf(name: string, found: readonly Found[], spaces: readonly MarkSpace[]): Readable {
  const [top, ...below] = found.map(({ at }) => ({ fs: at.fs, root: at.node }));
  const volume = found[0]?.volume;
  if (!top || !volume) throw new GvmError({ code: 'usage', message: 'an overlay has at least one layer' });
  const on = [...new Set(found.map((one) => one.volume.name))];
  const fs = new OverlayFileSystem([top, ...below], spaces);
  return overOthers({ name, on, how: 'overlay', size: volume.size, source: volume.source, fs });
}

async function namedLayer(layout: Layout, name: string, signal?: AbortSignal): Promise<Found> {
  const [own = '', ...paths] = name.split(/:(?=\/)/);
  if (paths.length > MOST_WITHIN) throw new GvmError({ code: 'usage', message: `${name} leads too deep into images` });
  const root = await namedRoot(layout, own, signal);
  let volume: Readable = { ...root.volume, fs: root.fs };
  let at = await new Vfs(volume.fs).resolve('/', { signal });
  for (const [i, path] of paths.entries()) {
    const found = await new Vfs(volume.fs).resolve(path, { signal });
    const inner = found.node.stat.type === 'directory' ? undefined : await volumeIn(volume, found, signal);
    if (inner) {
      volume = inner;
      at = await new Vfs(inner.fs).resolve('/', { signal });
    } else if (found.node.stat.type === 'directory' && i === paths.length - 1) at = found;
    else
      throw new GvmError({ code: 'usage', message: `${path} of ${volume.name} is no folder and holds no file system` });
  }
  return { volume, at };
}

/**
 * The overlay that an fstab entry mounts.
 * @param vfs what is mounted before it
 * @returns why it cannot be joined, where its layers are not on the disk
 */
export async function mountedOverlay(
  layout: Layout,
  { path, options }: FstabEntry,
  vfs: Vfs,
  signal?: AbortSignal,
): Promise<{ volume: Readable; note?: string } | { why: string }> {
  const mount = overlayMount(options);
  if (!mount) return { why: 'its options name no layers' };
  const found: Found[] = [];
  const layer = async (folder: string) => {
    const at = await vfs.find(folder, { signal });
    if (at?.node.stat.type !== 'directory') return false;
    const volume = layout.volumes.find((one) => one.fs === at.fs) ?? {
      name: at.fs.type,
      size: 0,
      source: layout.volumes[0]?.source,
    };
    if (volume.source) found.push({ volume: { ...volume, source: volume.source }, at });
    return true;
  };
  const upper = mount.upper === undefined || (await layer(mount.upper));
  for (const folder of mount.lower) if (!(await layer(folder))) return { why: `the disk has no folder ${folder}` };
  const volume = overlayOf(`overlay:${path}`, found, mount.spaces);
  // Often it is made anew in memory with each boot.
  return upper
    ? { volume }
    : { volume, note: `the disk has no folder ${mount.upper}, so only the lower layers are shown` };
}
