import { execFileSync } from 'node:child_process';

export interface WrittenEntry {
  boot: string;
  /** Microseconds since 1970. */
  realtime: bigint;
  fields: Record<string, string>;
}

export interface WriterOptions {
  compact?: boolean;
  /** Long fields are compressed by zstd(1). */
  zstd?: boolean;
  /** Entries in the first array; each that follows has twice as many. */
  array?: number;
}

const HEADER = 208;
const MACHINE = '0123456789abcdef0123456789abcdef';

/** A journal file as systemd's would be, without hash tables, which are for searching. */
export function writeJournal(
  entries: readonly WrittenEntry[],
  { compact = false, zstd = false, array = 4 }: WriterOptions = {},
): Buffer {
  const parts: Buffer[] = [Buffer.alloc(HEADER)];
  let at = HEADER;
  let objects = 0;
  let tail = 0;
  const add = (type: number, flags: number, body: Buffer): number => {
    const object = Buffer.alloc(Math.ceil((16 + body.length) / 8) * 8);
    object[0] = type;
    object[1] = flags;
    object.writeBigUInt64LE(BigInt(16 + body.length), 8);
    body.copy(object, 16);
    parts.push(object);
    tail = at;
    at += object.length;
    objects++;
    return tail;
  };
  const known = new Map<string, number>();
  const data = (text: string): number => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const plain = Buffer.from(text);
    const packed =
      zstd && plain.length > 200
        ? execFileSync('zstd', ['-c', `--stream-size=${plain.length}`], { input: plain })
        : undefined;
    const body = Buffer.alloc((compact ? 56 : 48) + (packed ?? plain).length);
    (packed ?? plain).copy(body, compact ? 56 : 48);
    const offset = add(1, packed ? 4 : 0, body);
    known.set(text, offset);
    return offset;
  };
  const offsets = entries.map(({ boot, realtime, fields }, i) => {
    const items = Object.entries({ _BOOT_ID: boot, ...fields }).map(([name, value]) => data(`${name}=${value}`));
    const body = Buffer.alloc(48 + items.length * (compact ? 4 : 16));
    body.writeBigUInt64LE(BigInt(i + 1), 0);
    body.writeBigUInt64LE(realtime, 8);
    body.writeBigUInt64LE(BigInt(i) * 1000n, 16);
    body.write(boot, 24, 'hex');
    for (const [n, offset] of items.entries()) {
      if (compact) body.writeUInt32LE(offset, 48 + n * 4);
      else body.writeBigUInt64LE(BigInt(offset), 48 + n * 16);
    }
    return add(3, 0, body);
  });
  let first = 0;
  let previous: Buffer | undefined;
  for (let from = 0, size = array; from < offsets.length; from += size, size *= 2) {
    const body = Buffer.alloc(8 + size * (compact ? 4 : 8));
    for (const [n, offset] of offsets.slice(from, from + size).entries()) {
      if (compact) body.writeUInt32LE(offset, 8 + n * 4);
      else body.writeBigUInt64LE(BigInt(offset), 8 + n * 8);
    }
    const offset = add(6, 0, body);
    first ||= offset;
    previous?.writeBigUInt64LE(BigInt(offset), 16);
    previous = parts.at(-1);
  }
  const header = parts[0] as Buffer;
  header.write('LPKSHHRH', 'latin1');
  header.writeUInt32LE((compact ? 16 : 0) | (zstd ? 8 : 0) | 4, 12);
  header.write('11111111111111111111111111111111', 24, 'hex');
  header.write(MACHINE, 40, 'hex');
  header.write(entries.at(-1)?.boot ?? '', 56, 'hex');
  header.write('22222222222222222222222222222222', 72, 'hex');
  const number = (offset: number, value: bigint | number) => header.writeBigUInt64LE(BigInt(value), offset);
  number(88, HEADER);
  number(96, at - HEADER);
  number(136, tail);
  number(144, objects);
  number(152, entries.length);
  number(160, entries.length);
  number(168, 1);
  number(176, first);
  number(184, entries[0]?.realtime ?? 0);
  number(192, entries.at(-1)?.realtime ?? 0);
  return Buffer.concat(parts);
}
