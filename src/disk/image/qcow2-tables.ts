// Reads: where the tables of a qcow2 image point, to find a truncated file before a guest does.
// Specification: QEMU docs/interop/qcow2.rst ("Host cluster management", "Cluster mapping").
// Does not read: refcounts themselves, bitmaps; `qemu-img check` does.
import type { ImageFile } from './image-file.ts';
import type { Qcow2Header } from './qcow2-header.ts';

const SECTOR = 512;

/**
 * Checks that the L1, L2 and refcount tables, and every cluster that they map, begin within the file.
 * @throws GvmError `image-corrupt` with offset and structure.
 */
export async function checkQcow2Tables(file: ImageFile, header: Qcow2Header): Promise<void> {
  const { clusterSize, l1, refcounts, l2EntrySize } = header;
  const perTable = clusterSize / l2EntrySize;
  const needed = Math.ceil(header.virtualSize / (clusterSize * perTable));
  if (l1.entries < needed) {
    const what = `the L1 table has ${l1.entries} entries, but the disk needs ${needed}`;
    throw file.corrupt('L1 table', l1.offset, what);
  }
  await eachTarget(file, 'L2 table', { offset: l1.offset, length: l1.entries * 8 }, 'L1 table', clusterSize, (table) =>
    checkL2Table(file, table, header),
  );
  const table = { offset: refcounts.offset, length: refcounts.clusters * clusterSize };
  await eachTarget(file, 'refcount block', table, 'refcount table', clusterSize, async () => {});
}

/** Visits each distinct cluster that a table of 8-byte entries points to, so a hostile table costs no more than its file. */
async function eachTarget(
  file: ImageFile,
  target: string,
  table: { offset: number; length: number },
  name: string,
  clusterSize: number,
  visit: (offset: number) => Promise<void>,
): Promise<void> {
  if (table.length === 0) return;
  checkAlignment(file, name, table.offset, clusterSize);
  const entries = await file.read(table.offset, table.length, name);
  const seen = new Set<number>();
  for (let at = 0; at < entries.length; at += 8) {
    const offset = hostOffset(entries, at);
    if (offset === 0 || seen.has(offset)) continue;
    seen.add(offset);
    checkAlignment(file, target, offset, clusterSize);
    if (offset + clusterSize > file.size) throw file.beyond(target, offset, clusterSize);
    await visit(offset);
  }
}

async function checkL2Table(file: ImageFile, offset: number, header: Qcow2Header): Promise<void> {
  const { clusterSize, l2EntrySize } = header;
  const entries = await file.read(offset, clusterSize, 'L2 table');
  for (let at = 0; at < entries.length; at += l2EntrySize) {
    if ((entries.readUInt8(at) & 0x40) !== 0) {
      checkCompressed(file, entries, at, clusterSize);
      continue;
    }
    const cluster = hostOffset(entries, at);
    if (cluster === 0) continue;
    checkAlignment(file, 'data cluster', cluster, clusterSize);
    // The last cluster may end within the file's last sectors: what was never written is not there.
    const partial = file.size % SECTOR === 0 ? SECTOR : clusterSize;
    if (cluster + partial > file.size) throw file.beyond('data cluster', cluster, clusterSize);
  }
}

/** A compressed cluster's descriptor: bits 0 to x-1 are its offset, x to 61 its further sectors. */
function checkCompressed(file: ImageFile, entries: Buffer, at: number, clusterSize: number): void {
  const descriptor = entries.readBigUInt64BE(at);
  const x = BigInt(62 - (Math.log2(clusterSize) - 8));
  const offset = Number(descriptor & ((1n << x) - 1n));
  const sectors = Number((descriptor & ((1n << 62n) - 1n)) >> x);
  // Only the last sector may be cut short, by the end of the compressed bytes.
  const lastSector = Math.floor(offset / SECTOR) * SECTOR + sectors * SECTOR;
  if (Math.max(offset, lastSector) >= file.size) {
    throw file.beyond('compressed cluster', offset, (sectors + 1) * SECTOR);
  }
}

/** Bits 9 to 55 of an entry. */
function hostOffset(entries: Buffer, at: number): number {
  const low = entries.readUInt32BE(at + 4);
  return (entries.readUInt32BE(at) & 0x00ffffff) * 2 ** 32 + (low - (low % SECTOR));
}

function checkAlignment(file: ImageFile, structure: string, offset: number, clusterSize: number): void {
  if (offset % clusterSize === 0) return;
  throw file.corrupt(
    structure,
    offset,
    `${structure} at offset ${offset} does not begin on a cluster (${clusterSize})`,
  );
}
