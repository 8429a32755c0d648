// Reads: the extended attributes and devices by which overlayfs keeps what its upper layers hide and rename.
// Specification: Linux Documentation/filesystems/overlayfs.rst. Does not read: file handles (origin, index), fs-verity.
import { showBytes } from '../../core/index.ts';
import type { FsNode, Xattr } from '../fs/file-system.ts';
import { isDots, isName } from '../fs/node.ts';
import { splitPath } from '../path.ts';
import { corrupt } from '../trouble.ts';

/** Where a mount keeps its marks: `userxattr` mounts use the second. */
export type MarkSpace = 'trusted' | 'user';

/** What a layer says of one of its files. */
export interface Marks {
  /** Nothing of the layers below shows through this directory. */
  opaque: boolean;
  /** Whiteouts in this directory may be files with an attribute. */
  whiteoutFiles: boolean;
  /** Where the directory stands in the layers below: another name beside its own, or parts of a path from their top. */
  redirect: { name: Buffer } | { path: Buffer[] } | undefined;
  /** The content lies in a layer below. */
  metacopy: boolean;
  whiteout: boolean;
}

const LONGEST_REDIRECT = 4096;

/** @throws GvmError `corrupt` for a redirect that leads nowhere */
export async function marksOf(node: FsNode, spaces: readonly MarkSpace[], signal?: AbortSignal): Promise<Marks> {
  const own = new Map<string, Buffer>();
  for (const { name, value } of await node.xattrs(signal)) {
    const kind = ownName(name, spaces);
    if (kind !== undefined) own.set(kind, value);
  }
  const opaque = own.get('opaque')?.toString('latin1');
  return {
    opaque: opaque === 'y',
    whiteoutFiles: opaque === 'x',
    redirect: redirectOf(node, own.get('redirect')),
    metacopy: own.has('metacopy'),
    whiteout: own.has('whiteout'),
  };
}

function redirectOf({ stat }: FsNode, value: Buffer | undefined): Marks['redirect'] {
  if (value === undefined || stat.type !== 'directory') return undefined;
  const end = value.indexOf(0);
  const target = end < 0 ? value : value.subarray(0, end);
  const path = splitPath(target);
  const absolute = target[0] === 0x2f;
  const sound = path.every((part) => isName(part) && !isDots(part)) && target.length <= LONGEST_REDIRECT;
  if (sound && absolute && path.length > 0) return { path };
  if (sound && !absolute && path.length === 1 && path[0]?.length === target.length) return { name: target };
  throw corrupt('overlay redirect', 0, `inode ${stat.ino} is redirected to "${showBytes(target.subarray(0, 200))}"`);
}

/** Whether a layer says by a device that a name is not there. */
export function isWhiteoutDevice({ stat }: FsNode): boolean {
  return stat.type === 'character' && stat.device?.major === 0 && stat.device.minor === 0;
}

/** The attributes as the mounted overlay shows them: its own are hidden, and those of an overlay within are its own. */
export function shownXattrs(xattrs: readonly Xattr[], spaces: readonly MarkSpace[]): Xattr[] {
  return xattrs.flatMap(({ name, value }) => {
    const own = ownName(name, spaces);
    if (own === undefined) return { name, value };
    if (!own.startsWith('overlay.')) return [];
    const space = spaces.find((one) => name.toString('latin1').startsWith(`${one}.`));
    return { name: Buffer.from(`${space}.${own}`, 'latin1'), value };
  });
}

/** The part after `trusted.overlay.`; undefined for attributes that are none of the overlay's. */
function ownName(name: Buffer, spaces: readonly MarkSpace[]): string | undefined {
  const text = name.toString('latin1');
  for (const space of spaces) {
    const prefix = `${space}.overlay.`;
    if (text.startsWith(prefix)) return text.slice(prefix.length);
  }
  return undefined;
}
