// Reads: GUID partition tables with 512 and 4096-byte sectors, the backup where the primary is damaged; CRCs verified.
// Specification: UEFI 2.10, chapter 5 ("GUID Partition Table Disk Layout").
// Does not read: headers of a major revision above 1.
import { crc32 } from 'node:zlib';
import type { ByteView } from '../../core/index.ts';
import { isGvmError } from '../../errors/index.ts';
import type { BlockSource } from '../source/source.ts';
import { asDiagnostic, corrupt, type Diagnostic, unsupported, view } from '../trouble.ts';
import { checkPlaces, type Partition, type PartitionTable } from './table.ts';
import { gptTypeName } from './types.ts';

const SIGNATURE = 'EFI PART';
const LARGEST_ARRAY = 2 ** 20;

interface Header {
  sectorSize: 512 | 4096;
  /** Bytes from the beginning of the disk. */
  offset: number;
  alternate: number;
  first: number;
  last: number;
  disk: string;
  entries: ByteView;
  entrySize: number;
  entriesCrc: number;
}

/** @throws GvmError `corrupt` when neither the table nor its backup can be used, `unsupported` for an unknown revision */
export async function readGpt(source: BlockSource, signal?: AbortSignal): Promise<PartitionTable> {
  const diagnostics: Diagnostic[] = [];
  let header: Header | undefined;
  for (const sectorSize of [512, 4096] as const) {
    if (!(await hasSignature(source, sectorSize, signal))) continue;
    header = await attempt(() => readHeader(source, sectorSize, 1, signal), diagnostics);
    if (header) break;
  }
  if (header) await checkBackup(source, header, diagnostics, signal);
  else header = await findBackup(source, diagnostics, signal);
  if (!header) {
    const first = diagnostics[0]?.message ?? 'the MBR promises a GPT, but there is neither a header nor its backup';
    throw corrupt('GPT header', diagnostics[0]?.offset ?? 512, first.replace(/^GPT header at offset \d+: /, ''));
  }
  const { sectorSize, first, last, disk } = header;
  const partitions = [...readEntries(header)];
  for (const p of partitions) {
    if (p.start >= first * sectorSize && p.start + p.size <= (last + 1) * sectorSize) continue;
    const message = `partition ${p.number} lies outside of the usable sectors ${first} to ${last}`;
    diagnostics.push({ structure: 'GPT entry', offset: undefined, message });
  }
  diagnostics.push(...checkPlaces(partitions, source.size, 'GPT'));
  return { label: 'gpt', id: disk.toUpperCase(), sectorSize, usable: { first, last }, partitions, diagnostics };
}

async function hasSignature(source: BlockSource, offset: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (offset + 512 > source.size) return false;
  return (await source.read(offset, 8, signal)).toString('latin1') === SIGNATURE;
}

/** The value, or undefined with a diagnostic when it is corrupt. */
async function attempt<T>(read: () => Promise<T>, diagnostics: Diagnostic[]): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isGvmError(error) && error.code === 'unsupported') throw error;
    diagnostics.push(asDiagnostic(error));
    return undefined;
  }
}

async function readHeader(
  source: BlockSource,
  sectorSize: 512 | 4096,
  lba: number,
  signal: AbortSignal | undefined,
): Promise<Header> {
  const offset = lba * sectorSize;
  const head = view(
    await source.read(offset, Math.min(sectorSize, source.size - offset), signal),
    'GPT header',
    offset,
  );
  if (head.latin1(0, 8) !== SIGNATURE) throw head.corrupt(0, 'the signature "EFI PART" is missing');
  const revision = head.u32le(8);
  if (revision >>> 16 !== 1) throw unsupported('GPT header', `GPT revision 0x${revision.toString(16)}`);
  const length = head.u32le(12);
  if (length < 92 || length > sectorSize) throw head.corrupt(12, `the header says that it has ${length} bytes`);
  const checked = Buffer.from(head.slice(0, length));
  checked.writeUInt32LE(0, 16);
  if (crc32(checked) !== head.u32le(16)) throw head.corrupt(16, 'the CRC of the header is wrong');
  if (head.u64le(24) !== lba) throw head.corrupt(24, `the header of sector ${lba} says that it is ${head.u64le(24)}`);
  const [count, entrySize] = [head.u32le(80), head.u32le(84)];
  if (entrySize < 128 || entrySize % 8 !== 0 || entrySize > 4096 || count * entrySize > LARGEST_ARRAY) {
    throw head.corrupt(80, `the table has ${count} entries of ${entrySize} bytes`);
  }
  const at = head.u64le(72) * sectorSize;
  const entries = view(await source.read(at, count * entrySize, signal), 'GPT entries', at);
  const entriesCrc = head.u32le(88);
  if (crc32(entries.bytes) !== entriesCrc) throw entries.corrupt(0, 'the CRC of the partition entries is wrong');
  const [first, last] = [head.u64le(40), head.u64le(48)];
  return {
    sectorSize,
    offset,
    alternate: head.u64le(32),
    first,
    last,
    disk: guid(head, 56),
    entries,
    entrySize,
    entriesCrc,
  };
}

/** The backup stands in the last sector, wherever a damaged primary may say it is. */
async function findBackup(source: BlockSource, diagnostics: Diagnostic[], signal: AbortSignal | undefined) {
  for (const sectorSize of [512, 4096] as const) {
    const last = Math.floor(source.size / sectorSize) - 1;
    if (last < 2 || !(await hasSignature(source, last * sectorSize, signal))) continue;
    const header = await attempt(() => readHeader(source, sectorSize, last, signal), diagnostics);
    if (!header) continue;
    if (diagnostics.length === 0) {
      diagnostics.push({ structure: 'GPT header', offset: 512, message: 'the primary GPT header is missing' });
    }
    diagnostics.push({ structure: 'GPT header', offset: header.offset, message: 'the backup GPT was used' });
    return header;
  }
  return undefined;
}

async function checkBackup(
  source: BlockSource,
  primary: Header,
  diagnostics: Diagnostic[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const last = Math.floor(source.size / primary.sectorSize) - 1;
  if (primary.alternate !== last) {
    const message = `the backup GPT header is said to be in sector ${primary.alternate}, but the disk ends with ${last}`;
    diagnostics.push({ structure: 'GPT header', offset: primary.offset + 32, message });
  }
  if ((primary.alternate + 1) * primary.sectorSize > source.size) return;
  const backup = await attempt(() => readHeader(source, primary.sectorSize, primary.alternate, signal), diagnostics);
  if (!backup || (backup.entriesCrc === primary.entriesCrc && backup.disk === primary.disk)) return;
  diagnostics.push({
    structure: 'GPT header',
    offset: backup.offset,
    message: 'the backup GPT differs from the primary',
  });
}

function* readEntries({ entries, entrySize, sectorSize }: Header): Generator<Partition> {
  for (let index = 0; (index + 1) * entrySize <= entries.length; index++) {
    const entry = entries.view(index * entrySize, entrySize, `GPT entry ${index + 1}`);
    const type = guid(entry, 0).toUpperCase();
    if (type === '00000000-0000-0000-0000-000000000000') continue;
    const [first, last] = [entry.u64le(32), entry.u64le(40)];
    if (first > last || (last + 1) * sectorSize > Number.MAX_SAFE_INTEGER) {
      throw entry.corrupt(32, `the partition goes from sector ${first} to ${last}`);
    }
    const attributes = attributeNames(entry.big64le(48));
    yield {
      number: index + 1,
      start: first * sectorSize,
      size: (last - first + 1) * sectorSize,
      type,
      typeName: gptTypeName(type),
      role: 'primary',
      uuid: guid(entry, 16),
      name: entry.slice(56, 72).toString('utf16le').split('\0', 1)[0] ?? '',
      bootable: attributes.includes('LegacyBIOSBootable'),
      attributes,
    };
  }
}

/** Bits 0 to 2 have names; 48 to 63 belong to the partition's type, and sfdisk writes them as GUID:N. */
function attributeNames(bits: bigint): string[] {
  const names = ['RequiredPartition', 'NoBlockIOProtocol', 'LegacyBIOSBootable'].filter(
    (_, n) => bits & (1n << BigInt(n)),
  );
  for (let bit = 48; bit < 64; bit++) if (bits & (1n << BigInt(bit))) names.push(`GUID:${bit}`);
  return names;
}

/** A GUID: the first three groups are little-endian (UEFI appendix A). */
function guid(from: ByteView, at: number): string {
  const hex = (n: number, digits: number) => n.toString(16).padStart(digits, '0');
  const groups = [hex(from.u32le(at), 8), hex(from.u16le(at + 4), 4), hex(from.u16le(at + 6), 4)];
  return [...groups, from.slice(at + 8, 2).toString('hex'), from.slice(at + 10, 6).toString('hex')].join('-');
}
