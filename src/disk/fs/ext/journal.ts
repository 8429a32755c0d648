// Reads: the journal of ext3 and ext4 (jbd2), to replay it in memory: block types v1 and v2, 64-bit numbers, revocations,
// checksums of versions 1, 2 and 3.
// Specification: Documentation/filesystems/ext4/journal.rst.
// Does not read: fast commits and journals on another device; both are refused by name.
import { type ByteView, crc32c } from '../../../core/index.ts';
import type { Patch } from '../../source/patched.ts';
import { type Diagnostic, unsupported } from '../../trouble.ts';
import { crc32be } from './crc32be.ts';
import type { Inode } from './inode.ts';
import { fileRuns } from './map.ts';
import type { ExtVolume } from './volume.ts';

const MAGIC = 0xc03b3998;
const BLOCK = { descriptor: 1, commit: 2, superblock1: 3, superblock2: 4, revoke: 5 } as const;
const FEATURE = { revoke: 1, wide: 2, asyncCommit: 4, csum2: 8, csum3: 16, fastCommit: 32 } as const;
const COMPAT_CHECKSUM = 1;
const TAG = { escaped: 1, sameUuid: 2, last: 8 } as const;
const FAST_COMMIT_HEAD = 9;

export interface Replay {
  patches: Map<number, Patch>;
  transactions: number;
  diagnostics: Diagnostic[];
}

interface JournalHead {
  length: number;
  first: number;
  sequence: number;
  start: number;
  incompat: number;
  summed1: boolean;
  seed: number;
}

/** One journal block's place in the file system. */
interface Logged {
  sequence: number;
  block: number;
  journalBlock: number;
  escaped: boolean;
}

/**
 * The blocks that a replay of the journal would write. What follows the last whole transaction is left out, as the
 * kernel does.
 * @throws GvmError `corrupt` for a journal that cannot be read, `unsupported`
 */
export async function replayJournal(volume: ExtVolume, inode: Inode, signal?: AbortSignal): Promise<Replay> {
  const reader = await JournalReader.open(volume, inode, signal);
  const { start } = reader.head;
  if (start === 0) return { patches: new Map(), transactions: 0, diagnostics: [] };
  const { logged, revoked, end, transactions, diagnostics } = await reader.scan(signal);
  await reader.refuseFastCommit(end, signal);
  const patches = new Map<number, Patch>();
  for (const entry of logged) {
    const revocation = revoked.get(entry.block);
    if (revocation !== undefined && revocation - entry.sequence >= 0) continue;
    if (entry.block >= volume.sb.blocks) {
      throw reader.corrupt(`the journal holds block ${entry.block} of ${volume.sb.blocks}`);
    }
    const from = reader.physical(entry.journalBlock) * volume.sb.blockSize;
    patches.set(entry.block, entry.escaped ? { from, head: Buffer.from([0xc0, 0x3b, 0x39, 0x98]) } : { from });
  }
  return { patches, transactions, diagnostics };
}

class JournalReader {
  readonly head: JournalHead;
  readonly #volume: ExtVolume;
  /** Block of the disk of each block of the journal. */
  readonly #blocks: Float64Array;
  readonly #superblock: ByteView;

  private constructor(volume: ExtVolume, blocks: Float64Array, superblock: ByteView, head: JournalHead) {
    this.#volume = volume;
    this.#blocks = blocks;
    this.#superblock = superblock;
    this.head = head;
  }

  static async open(volume: ExtVolume, inode: Inode, signal?: AbortSignal): Promise<JournalReader> {
    const { blockSize } = volume.sb;
    const count = Math.floor(inode.stat.size / blockSize);
    if (count < 2 || count > volume.sb.blocks) throw inode.block.corrupt(0, `a journal of ${count} blocks`);
    const blocks = new Float64Array(count);
    for await (const run of fileRuns(volume, inode, 0, count, signal)) {
      if (run.physical === undefined) throw inode.block.corrupt(0, `the journal has a hole at block ${run.logical}`);
      for (let i = 0; i < run.count; i++) blocks[run.logical + i] = run.physical + i;
    }
    const superblock = await volume.block(blocks[0] as number, 'journal superblock', signal);
    return new JournalReader(volume, blocks, superblock, readHead(superblock, blockSize, count, volume.verify));
  }

  corrupt(what: string): Error {
    return this.#superblock.corrupt(0, what);
  }

  physical(block: number): number {
    return this.#blocks[block] as number;
  }

  #block(block: number, signal: AbortSignal | undefined): Promise<ByteView> {
    return this.#volume.block(this.physical(block), `journal block ${block}`, signal);
  }

  /** The block after another in the ring. */
  #next(block: number): number {
    return block + 1 >= this.head.length ? this.head.first : block + 1;
  }

  /** Reads transaction after transaction until one is not whole. */
  async scan(signal: AbortSignal | undefined) {
    const { head } = this;
    const logged: Logged[] = [];
    const revoked = new Map<number, number>();
    const diagnostics: Diagnostic[] = [];
    let [block, sequence, transactions] = [head.start, head.sequence, 0];
    let pending: { logged: Logged[]; revoked: number[]; sum: number; bad: string | undefined } = fresh();
    // Every block of the ring is looked at once at most.
    for (let left = head.length - head.first; left > 0; left--) {
      const view = await this.#block(block, signal);
      if (view.u32be(0) !== MAGIC || view.u32be(8) !== sequence) break;
      const type = view.u32be(4);
      const here = block;
      block = this.#next(block);
      if (type === BLOCK.descriptor) {
        pending.bad ??= this.#badTail(view);
        pending.sum = crc32be(pending.sum, view.bytes);
        for (const tag of this.#tags(view)) {
          if (--left <= 0) break;
          if (head.summed1 || tag.checksum !== undefined) {
            const data = await this.#block(block, signal);
            pending.sum = head.summed1 ? crc32be(pending.sum, data.bytes) : pending.sum;
            if (!this.#dataMatches(tag, data, sequence)) pending.bad ??= `block ${tag.block} has a wrong checksum`;
          }
          pending.logged.push({ sequence, block: tag.block, journalBlock: block, escaped: tag.escaped });
          block = this.#next(block);
        }
      } else if (type === BLOCK.revoke) {
        pending.bad ??= this.#badTail(view);
        pending.revoked.push(...this.#revocations(view));
      } else if (type === BLOCK.commit) {
        pending.bad ??= this.#badCommit(view, pending.sum);
        if (pending.bad !== undefined) {
          const message = `transaction ${sequence} of the journal and what follows is left out: ${pending.bad}`;
          diagnostics.push({ structure: 'journal', offset: view.place.offset, message });
          return { logged, revoked, end: sequence, transactions, diagnostics };
        }
        logged.push(...pending.logged);
        for (const number of pending.revoked) revoked.set(number, sequence);
        pending = fresh();
        sequence = (sequence + 1) >>> 0;
        transactions++;
      } else {
        throw view.corrupt(4, `a journal block of type ${type} at ${here}`);
      }
    }
    return { logged, revoked, end: sequence, transactions, diagnostics };
  }

  *#tags(view: ByteView): Generator<{ block: number; escaped: boolean; checksum: number | undefined; bits: 16 | 32 }> {
    const { incompat } = this.head;
    const csum3 = (incompat & FEATURE.csum3) !== 0;
    const csum2 = (incompat & FEATURE.csum2) !== 0;
    const wide = (incompat & FEATURE.wide) !== 0;
    const size = csum3 ? 16 : 8 + (csum2 ? 2 : 0) + (wide ? 4 : 0);
    const end = view.length - (csum2 || csum3 ? 4 : 0);
    for (let at = 12; at + size <= end; ) {
      const flags = csum3 ? view.u32be(at + 4) : view.u16be(at + 6);
      const high = wide ? view.u32be(at + 8) : 0;
      const block = view.u32be(at) + high * 2 ** 32;
      const checksum = csum3 ? view.u32be(at + 12) : csum2 ? view.u16be(at + 4) : undefined;
      yield { block, escaped: (flags & TAG.escaped) !== 0, checksum, bits: csum3 ? 32 : 16 };
      at += size + (flags & TAG.sameUuid ? 0 : 16);
      if (flags & TAG.last) return;
    }
  }

  #revocations(view: ByteView): number[] {
    const size = this.head.incompat & FEATURE.wide ? 8 : 4;
    const end = Math.min(view.u32be(12), view.length);
    const found: number[] = [];
    for (let at = 16; at + size <= end; at += size) found.push(size === 8 ? view.u64be(at) : view.u32be(at));
    return found;
  }

  get #summed(): boolean {
    return this.#volume.verify && (this.head.incompat & (FEATURE.csum2 | FEATURE.csum3)) !== 0;
  }

  #dataMatches(tag: { checksum: number | undefined; bits: 16 | 32 }, data: ByteView, sequence: number): boolean {
    if (!this.#summed || tag.checksum === undefined) return true;
    const number = Buffer.alloc(4);
    number.writeUInt32BE(sequence);
    const sum = crc32c(crc32c(this.head.seed, number), data.bytes);
    return tag.checksum === (tag.bits === 16 ? sum & 0xffff : sum);
  }

  /** The sum in the last four bytes of descriptors and revocations (versions 2 and 3). */
  #badTail(view: ByteView): string | undefined {
    if (!this.#summed) return undefined;
    const body = crc32c(crc32c(this.head.seed, view.slice(0, view.length - 4)), Buffer.alloc(4));
    return body === view.u32be(view.length - 4) ? undefined : 'a descriptor or revocation has a wrong checksum';
  }

  #badCommit(view: ByteView, sum1: number): string | undefined {
    if (this.#summed) {
      const before = crc32c(crc32c(this.head.seed, view.slice(0, 16)), Buffer.alloc(4));
      const sum = crc32c(before, view.slice(20, view.length - 20));
      return sum === view.u32be(16) ? undefined : 'its commit has a wrong checksum';
    }
    if (!this.#volume.verify || !this.head.summed1) return undefined;
    const [type, size, found] = [view.u8(12), view.u8(13), view.u32be(16)];
    const unsummed = type === 0 && size === 0 && found === 0;
    return unsummed || (type === 1 && size === 4 && found === sum1) ? undefined : 'its commit has a wrong checksum';
  }

  /** @throws GvmError `unsupported` when fast commits follow the last transaction */
  async refuseFastCommit(sequence: number, signal: AbortSignal | undefined): Promise<void> {
    if (!(this.head.incompat & FEATURE.fastCommit)) return;
    const area = this.#superblock.u32be(0x54) || 256;
    const first = this.#blocks.length - area;
    if (first <= 0) return;
    const view = await this.#block(first, signal);
    // A head tag: type and length, then features and the transaction that it follows.
    if (view.u16le(0) === FAST_COMMIT_HEAD && view.u32le(8) === sequence) {
      throw unsupported('journal', 'fast commits that were not written back');
    }
  }
}

function fresh() {
  return { logged: [] as Logged[], revoked: [] as number[], sum: 0xffffffff, bad: undefined as string | undefined };
}

function readHead(sb: ByteView, blockSize: number, blocks: number, verify: boolean): JournalHead {
  const type = sb.u32be(4);
  if (sb.u32be(0) !== MAGIC || (type !== BLOCK.superblock1 && type !== BLOCK.superblock2)) {
    throw sb.corrupt(0, 'this is no journal superblock');
  }
  if (sb.u32be(12) !== blockSize) throw sb.corrupt(12, `journal blocks of ${sb.u32be(12)} bytes`);
  const v2 = type === BLOCK.superblock2;
  const incompat = v2 ? sb.u32be(40) : 0;
  const unknown = incompat & ~0x3f;
  if (unknown !== 0) throw unsupported('journal', `the journal feature 0x${unknown.toString(16)}`);
  const summed = (incompat & (FEATURE.csum2 | FEATURE.csum3)) !== 0;
  if (summed && sb.u8(0x50) !== 4) throw unsupported('journal', `checksums of type ${sb.u8(0x50)}`);
  if (summed && verify) {
    const before = crc32c(crc32c(0xffffffff, sb.slice(0, 0xfc)), Buffer.alloc(4));
    if (crc32c(before, sb.slice(0x100, 1024 - 0x100)) !== sb.u32be(0xfc)) {
      throw sb.corrupt(0xfc, 'the checksum of the journal superblock is wrong');
    }
  }
  const fast = incompat & FEATURE.fastCommit ? sb.u32be(0x54) || 256 : 0;
  const length = sb.u32be(16) - fast;
  const [first, start] = [sb.u32be(20), sb.u32be(28)];
  if (length > blocks || first < 1 || first >= length || start >= length || (start !== 0 && start < first)) {
    throw sb.corrupt(16, `a journal of ${length} blocks that begins at ${first}, its log at ${start}`);
  }
  return {
    length,
    first,
    sequence: sb.u32be(24),
    start,
    incompat,
    summed1: v2 && (sb.u32be(36) & COMPAT_CHECKSUM) !== 0 && !summed,
    seed: summed ? crc32c(0xffffffff, sb.slice(48, 16)) : 0,
  };
}
