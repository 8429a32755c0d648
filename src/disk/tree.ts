import { resolveDevice } from './device.ts';
import { type FstabEntry, parseCrypttab, parseFstab } from './fstab.ts';
import type { Layout, Volume } from './layout.ts';
import { layered, mountedOverlay } from './overlay/open.ts';
import { findRoot, isReadable, namedRoot, type Readable, readTable, subvolumeOf, treeOf } from './root.ts';
import type { Diagnostic } from './trouble.ts';
import { type Mount, Vfs } from './vfs.ts';

/** The files of an image as its system would see them. */
export interface ImageTree {
  vfs: Vfs;
  /** What is mounted where; the root first. */
  mounts: { path: string; volume: Volume }[];
  diagnostics: Diagnostic[];
}

/**
 * The tree of one volume alone, or of several layers, or else that of the root with what its fstab mounts.
 * @param which the name of a volume, or of the layers of an overlay, top first
 * @throws GvmError `usage` for an unknown volume, or when no root can be told; `no-filesystem`, `corrupt`, `unsupported`
 */
export async function openTree(
  layout: Layout,
  which?: string | readonly string[],
  signal?: AbortSignal,
): Promise<ImageTree> {
  if (which !== undefined) {
    const { volume, fs } =
      typeof which === 'string' ? await namedRoot(layout, which, signal) : alone(await layered(layout, which, signal));
    return { vfs: new Vfs(fs), mounts: [{ path: '/', volume }], diagnostics: [...volume.diagnostics] };
  }
  const root = await findRoot(layout, signal);
  const diagnostics = [...root.volume.diagnostics];
  const mounts = [{ path: '/', volume: root.volume as Volume }];
  const joined: Mount[] = [];
  let top = root.fs;
  const text = (path: string) => readTable(root.fs, path, diagnostics, signal);
  const opened = parseCrypttab(await text('/etc/crypttab'));
  for (const entry of parseFstab(await text('/etc/fstab'))) {
    const skip = (why: string) => diagnostics.push(notJoined(entry, why));
    if (entry.type === 'overlay' && entry.path.startsWith('/')) {
      const overlay = await mountedOverlay(layout, entry, new Vfs(top, joined), signal);
      if ('why' in overlay) skip(overlay.why);
      else {
        const { volume, note } = overlay;
        if (note !== undefined)
          diagnostics.push({ structure: 'fstab', offset: undefined, message: `${entry.path}: ${note}` });
        if (entry.path === '/') {
          top = volume.fs;
          mounts[0] = { path: '/', volume };
        } else {
          joined.push({ path: entry.path, fs: volume.fs });
          mounts.push({ path: entry.path, volume });
        }
      }
      continue;
    }
    const volume = resolveDevice(layout, entry.device, opened);
    const path = entry.path;
    const subvolume = subvolumeOf(entry);
    const itself = volume === root.volume && subvolume === undefined;
    if (itself || !path.startsWith('/') || path === '/' || isVirtual(entry)) continue;
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
  return { vfs: new Vfs(top, joined), mounts, diagnostics };
}

const alone = (volume: Readable) => ({ volume, fs: volume.fs });

function notJoined({ device, path }: FstabEntry, why: string): Diagnostic {
  return { structure: 'fstab', offset: undefined, message: `${device} on ${path} is not joined: ${why}` };
}

/** Entries that no disk stands behind, or that are no mount of their own. */
function isVirtual({ device, type, options }: FstabEntry): boolean {
  const kernel = ['swap', 'proc', 'sysfs', 'tmpfs', 'devtmpfs', 'devpts', 'nfs', 'nfs4', 'cifs', '9p', 'virtiofs'];
  return kernel.includes(type) || options.includes('bind') || options.includes('rbind') || device === 'none';
}
