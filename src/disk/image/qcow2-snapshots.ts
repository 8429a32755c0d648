// Reads: the table of internal snapshots of a qcow2 image. Specification: QEMU docs/interop/qcow2.rst ("Snapshots").
// Does not read: the saved state of the guest's memory and devices.
import { clip, printable } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { ImageFile } from './image-file.ts';

/** A state of the disk that was kept inside the image. */
export interface Snapshot {
  id: string;
  /** Any bytes, decoded as UTF-8. */
  name: string;
  /** Seconds since 1970. */
  time: number;
  /** Bytes of the guest's memory and devices; 0 for a snapshot of the disk alone. */
  stateSize: number;
  /** Bytes of the disk as it was. */
  diskSize: number;
  l1: { offset: number; entries: number };
}

/** QEMU's limits: so many snapshots, and so many bytes of extra data each. */
const MOST = 65_536;
const LARGEST_EXTRA = 1024;
const LARGEST_TABLE = 64 * 2 ** 20;
const HEAD = 40;
/** Characters of a list of names in an error. */
const LONGEST_HINT = 500;

/** @param diskSize that of snapshots that do not say theirs @throws GvmError `image-corrupt` */
export async function readSnapshots(
  file: ImageFile,
  { count, offset, diskSize }: { count: number; offset: number; diskSize: number },
): Promise<Snapshot[]> {
  const corrupt = (at: number, what: string) => file.corrupt('snapshot table', at, `the snapshot table ${what}`);
  if (count > MOST) throw corrupt(offset, `has ${count} snapshots (${MOST})`);
  const found: Snapshot[] = [];
  for (let at = offset; found.length < count; ) {
    if (at - offset > LARGEST_TABLE) throw corrupt(at, `is longer than ${LARGEST_TABLE} bytes`);
    const head = await file.read(at, HEAD, 'snapshot table');
    const [idLength, nameLength, extra] = [head.readUInt16BE(12), head.readUInt16BE(14), head.readUInt32BE(36)];
    if (extra > LARGEST_EXTRA) throw corrupt(at, `has a snapshot with ${extra} bytes of extra data (${LARGEST_EXTRA})`);
    const rest = await file.read(at + HEAD, extra + idLength + nameLength, 'snapshot table');
    const wide = (where: number) => Number(rest.readBigUInt64BE(where));
    found.push({
      id: rest.toString('utf8', extra, extra + idLength),
      name: rest.toString('utf8', extra + idLength, extra + idLength + nameLength),
      time: head.readUInt32BE(16),
      stateSize: extra >= 8 ? wide(0) : head.readUInt32BE(32),
      diskSize: extra >= 16 ? wide(8) : diskSize,
      l1: { offset: Number(head.readBigUInt64BE(0)), entries: head.readUInt32BE(8) },
    });
    at += Math.ceil((HEAD + rest.length) / 8) * 8;
  }
  return found;
}

/**
 * The snapshot that a name or an id means; an id goes before a name, as for `qemu-img`.
 * @throws GvmError `usage` where there is none, or several of the name
 */
export function chooseSnapshot(path: string, snapshots: readonly Snapshot[], asked: string): Snapshot {
  const named = snapshots.filter(({ name }) => name === asked);
  const found = snapshots.find(({ id }) => id === asked) ?? (named.length === 1 ? named[0] : undefined);
  if (found) return found;
  const list = clip(printable(snapshots.map(({ id, name }) => `${name} (${id})`).join(', ')), LONGEST_HINT);
  throw new GvmError({
    code: 'usage',
    message:
      named.length > 1
        ? `${path} has ${named.length} snapshots called ${asked}`
        : `${path} has no snapshot called ${asked}`,
    hint:
      named.length > 1
        ? `say its id: ${clip(printable(named.map(({ id }) => id).join(', ')), LONGEST_HINT)}`
        : `its snapshots: ${list || 'none'}`,
    details: { path, asked },
  });
}
