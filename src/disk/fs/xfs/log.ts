// Reads: whether the log of an XFS was written back, as an unmount leaves it.
// Specification: "XFS Algorithms & Data Structures", chapter "Journaling Log".
// Does not read: what the log holds; a log that was not written back is reported.
import type { XfsVolume } from './volume.ts';

const SECTOR = 512;
const RECORD = 0xfeedbabe;
const UNMOUNT = 0x20;
/** Sectors of the longest record: 256 KiB and its headers. */
const LONGEST_RECORD = 520;

/** Whether the last record of the log says that the file system was unmounted. */
export async function isLogClean(volume: XfsVolume, signal?: AbortSignal): Promise<boolean> {
  const { log, blockSize, agBlocks, agBlockBits, blocks } = volume.sb;
  const group = Math.floor(log.start / 2 ** agBlockBits);
  const start = (group * agBlocks + (log.start % 2 ** agBlockBits)) * blockSize;
  const sectors = (log.blocks * blockSize) / SECTOR;
  if (sectors < 2 || start + sectors * SECTOR > blocks * blockSize) return false;
  const sector = (n: number) => volume.read(start + n * SECTOR, SECTOR, 'XFS log', signal);
  // Every sector begins with the number of the round in which it was written; a record's first one has it behind its mark.
  const round = async (n: number) => {
    const bytes = await sector(n);
    return bytes.u32be(0) === RECORD ? bytes.u32be(4) : bytes.u32be(0);
  };
  const first = await round(0);
  let [low, high] = [0, sectors];
  if ((await round(sectors - 1)) === first) low = sectors;
  else {
    // The head is the first sector of an earlier round.
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if ((await round(middle)) === first) low = middle;
      else high = middle;
    }
    low = high;
  }
  for (let back = 1; back <= Math.min(LONGEST_RECORD, sectors - 1); back++) {
    const at = (low - back + sectors) % sectors;
    const header = await sector(at);
    if (header.u32be(0) !== RECORD) continue;
    const operation = await sector((at + 1) % sectors);
    return header.u32be(40) === 1 && (operation.u8(9) & UNMOUNT) !== 0;
  }
  return false;
}
