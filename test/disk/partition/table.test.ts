import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type PartitionTable, readPartitionTable } from '../../../src/disk/partition/table.ts';
import { FileSource } from '../../../src/disk/source/file.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { findTool } from '../../../src/process/index.ts';
import { readsAnything } from '../mutate.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-part-'));
afterAll(() => rmSync(folder, { recursive: true }));
const sfdisk = findTool('sfdisk') ?? 'sfdisk';
const MIB = 2048;

/** A disk with a table written by sfdisk, and what sfdisk reads back. */
function makeFile(script: string, size: number) {
  const path = join(folder, 'disk.raw');
  writeFileSync(path, '');
  truncateSync(path, size);
  execFileSync(sfdisk, ['--quiet', '--no-reread', '--no-tell-kernel', path], { input: script, stdio: 'pipe' });
  const { partitiontable } = JSON.parse(execFileSync(sfdisk, ['--json', path], { encoding: 'utf8' }));
  return { path, oracle: partitiontable };
}

function make(script: string, size = 16 * 2 ** 20) {
  const { path, oracle } = makeFile(script, size);
  return { bytes: readFileSync(path), oracle };
}

/** Our table in sfdisk's words. */
function asSfdisk(table: PartitionTable, disk: string) {
  return {
    label: table.label,
    id: table.id,
    device: disk,
    unit: 'sectors',
    ...(table.usable ? { firstlba: table.usable.first, lastlba: table.usable.last } : {}),
    sectorsize: table.sectorSize,
    partitions: table.partitions.map((p) => ({
      node: `${disk}${p.number}`,
      start: p.start / table.sectorSize,
      size: p.size / table.sectorSize,
      type: p.type,
      ...(table.label === 'gpt' ? { uuid: p.uuid.toUpperCase() } : {}),
      ...(p.name ? { name: p.name } : {}),
      ...(p.attributes.length > 0
        ? {
            attrs: p.attributes
              .join(' ')
              .replaceAll(/ GUID:/g, ',')
              .replace(/,(?=\d)/, ' GUID:'),
          }
        : {}),
      ...(table.label === 'dos' && p.bootable ? { bootable: true } : {}),
    })),
  };
}

const read = (bytes: Buffer, sector?: 512 | 4096) => readPartitionTable(new MemorySource(bytes), sector);

const gptScript = [
  'label: gpt',
  'label-id: 1A2B3C4D-0000-4000-8000-000000000001',
  'size=1MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI system ÄÖ", uuid=11111111-2222-4333-8444-555566667777',
  'size=2MiB, type=L, attrs="RequiredPartition LegacyBIOSBootable GUID:60,63"',
  'size=4MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name="root"',
  'start=10MiB, size=1MiB, type=S',
].join('\n');

describe('GPT', () => {
  const { bytes, oracle } = make(gptScript);
  const last = bytes.length / 512 - 1;

  it('is read as sfdisk reads it', async () => {
    const table = await read(bytes);
    expect(table && asSfdisk(table, oracle.device)).toEqual(oracle);
    expect(table?.diagnostics).toEqual([]);
    expect(table?.partitions.map((p) => p.typeName)).toEqual([
      'EFI system',
      'Linux data',
      'Linux root (x86-64)',
      'Linux swap',
    ]);
  });

  it.each([
    ['header', 512 + 40, 'the CRC of the header is wrong'],
    ['signature', 512, 'the primary GPT header is missing'],
    ['entries', 1024 + 33, 'the CRC of the partition entries is wrong'],
  ])('is read from its backup when the primary %s is damaged', async (_, at, why) => {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] as number) ^ 0xff;
    const table = await read(damaged);
    expect(table && asSfdisk(table, oracle.device)).toEqual(oracle);
    expect(table?.diagnostics.map((d) => d.message).join('\n')).toContain(why);
    expect(table?.diagnostics.at(-1)?.message).toBe('the backup GPT was used');
  });

  it('without a usable header is corrupt, with place and reason', async () => {
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, 512 + 40, 512 + 48);
    damaged.fill(0xff, last * 512 + 40, last * 512 + 48);
    await expect(read(damaged)).rejects.toMatchObject({
      code: 'corrupt',
      message: 'GPT header at offset 528: the CRC of the header is wrong',
    });
    damaged.fill(0, 512, 1024);
    damaged.fill(0, last * 512);
    await expect(read(damaged)).rejects.toMatchObject({ code: 'corrupt', details: { structure: 'GPT header' } });
  });

  it('says when the backup is damaged, differs or stands elsewhere', async () => {
    const damaged = Buffer.from(bytes);
    damaged.fill(0, last * 512);
    expect((await read(damaged))?.diagnostics[0]?.message).toContain('"EFI PART" is missing');
    const grown = Buffer.concat([bytes, Buffer.alloc(2 ** 20)]);
    expect((await read(grown))?.diagnostics[0]?.message).toContain('but the disk ends with');
  });

  it('is found with sectors of 4096 bytes', async () => {
    const table = await read(with4096(bytes));
    expect(table?.sectorSize).toBe(4096);
    expect(table?.diagnostics).toEqual([]);
    expect(table?.partitions.map((p) => [p.start, p.size, p.name])).toEqual(
      (await read(bytes))?.partitions.map((p) => [p.start, p.size, p.name]),
    );
  });

  it('of an unknown revision is unsupported', async () => {
    const next = Buffer.from(bytes);
    next.writeUInt32LE(0x00020000, 520);
    await expect(read(next)).rejects.toMatchObject({
      code: 'unsupported',
      details: { feature: 'GPT revision 0x20000' },
    });
  });

  it('ends in a table or a typed error whatever it holds', async () => {
    const repair = (b: Buffer) => sign(b, 512, 1, last);
    const places = [
      [440, 72],
      [512, 96],
      [1024, 512],
      [last * 512, 96],
    ] as const;
    await readsAnything(bytes, places, (source) => readPartitionTable(source), 300, repair);
  });
});

/** Computes the CRCs of primary and backup anew. */
function sign(bytes: Buffer, sector: number, primary: number, backup: number) {
  for (const lba of [primary, backup]) {
    const header = bytes.subarray(lba * sector, lba * sector + 92);
    const at = Number(header.readBigUInt64LE(72)) * sector;
    const length = header.readUInt32LE(80) * header.readUInt32LE(84);
    if (length < 2 ** 20) header.writeUInt32LE(crc32(bytes.subarray(at, at + length)), 88);
    header.writeUInt32LE(0, 16);
    header.writeUInt32LE(crc32(header), 16);
  }
}

/** The same table on a disk with large sectors: numbers of sectors divided, places moved, CRCs new. */
function with4096(small: Buffer): Buffer {
  const large = Buffer.alloc(small.length);
  small.copy(large, 0, 0, 512);
  const last = large.length / 4096 - 1;
  const entries = Buffer.from(small.subarray(1024, 1024 + 128 * 128));
  for (let at = 0; at < entries.length; at += 128) {
    const [first, end] = [entries.readBigUInt64LE(at + 32), entries.readBigUInt64LE(at + 40)];
    if (end === 0n) continue;
    entries.writeBigUInt64LE(first / 8n, at + 32);
    entries.writeBigUInt64LE((end + 1n) / 8n - 1n, at + 40);
  }
  for (const [lba, other, table] of [
    [1, last, 2],
    [last, 1, last - 4],
  ] as const) {
    entries.copy(large, table * 4096);
    const header = Buffer.from(small.subarray(512, 512 + 92));
    for (const [at, value] of [
      [24, lba],
      [32, other],
      [40, 6],
      [48, last - 5],
      [72, table],
    ] as const) {
      header.writeBigUInt64LE(BigInt(value), at);
    }
    header.copy(large, lba * 4096);
  }
  sign(large, 4096, 1, last);
  return large;
}

const dosScript = [
  'label: dos',
  'label-id: 0xdeadbeef',
  `start=${MIB}, size=${MIB}, type=83, bootable`,
  `start=${2 * MIB}, size=${10 * MIB}, type=5`,
  `start=${12 * MIB}, size=${MIB}, type=ef`,
  `start=${2 * MIB + 2048}, size=${MIB}, type=83`,
  `start=${5 * MIB}, size=${MIB}, type=82`,
  `start=${7 * MIB}, size=${MIB}, type=8e`,
].join('\n');

describe('MBR', () => {
  const { bytes, oracle } = make(dosScript);

  it('is read as sfdisk reads it, logical partitions too', async () => {
    const table = await read(bytes);
    expect(table && asSfdisk(table, oracle.device)).toEqual(oracle);
    expect(table?.partitions.map((p) => p.number)).toEqual([1, 2, 3, 5, 6, 7]);
    expect(table?.partitions.at(-1)).toMatchObject({ uuid: 'deadbeef-07', typeName: 'Linux LVM', role: 'logical' });
  });

  it('has a partition of type 0 as well, and counts those behind it as Linux does', async () => {
    const changed = Buffer.from(bytes);
    // The first logical partition: the record of it stands at the beginning of the extended one.
    const extended = (await read(bytes))?.partitions.find(({ role }) => role === 'extended')?.start ?? 0;
    changed[extended + 446 + 4] = 0;
    const table = await read(changed);
    expect(table?.partitions.map((p) => p.number)).toEqual([1, 2, 3, 5, 6, 7]);
    expect(table?.partitions.find((p) => p.number === 5)?.type).toBe('0');
  });

  it('counts in the sectors that it is told', async () => {
    const simple = make(`label: dos\nstart=${MIB}, size=256, type=83`, 16 * 2 ** 20);
    expect((await read(simple.bytes, 4096))?.partitions[0]).toMatchObject({ start: MIB * 4096, size: 2 ** 20 });
  });

  it('names a chain that comes back', async () => {
    const looped = Buffer.from(bytes);
    const second = looped.indexOf(Buffer.from([0x55, 0xaa]), 3 * MIB * 512) - 510;
    looped.writeUInt32LE(0, second + 446 + 16 + 8);
    const table = await read(looped);
    expect(table?.diagnostics.map((d) => d.message).join()).toContain('comes back');
  });

  it('of a FAT boot sector or of code is none', async () => {
    expect(await read(Buffer.alloc(2 ** 20))).toBeUndefined();
    const path = join(folder, 'fat.img');
    rmSync(path, { force: true });
    execFileSync(findTool('mkfs.vfat') ?? 'mkfs.vfat', ['-C', path, '2048'], { stdio: 'pipe' });
    expect(await read(readFileSync(path))).toBeUndefined();
  });

  it('ends in a table or a typed error whatever it holds', async () => {
    const records = [0, 2 * MIB, 3 * MIB, 5 * MIB].map((sector) => [sector * 512 + 440, 72] as const);
    await readsAnything(bytes, records, (source) => readPartitionTable(source), 300);
  });
});

describe('any table of sfdisk', () => {
  it('is read as sfdisk reads it', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('gpt', 'dos'), sizes, async (label, parts) => {
        const logical = label === 'dos' && parts.length > 4;
        const lines = parts.map((size) => `size=${size}MiB`);
        if (logical) lines.splice(3, 0, 'type=5');
        const { path, oracle } = makeFile([`label: ${label}`, ...lines].join('\n'), 48 * 2 ** 20);
        await using source = await FileSource.open(path);
        const table = await readPartitionTable(source);
        expect(table && asSfdisk(table, oracle.device)).toEqual(oracle);
      }),
      { numRuns: 4 },
    );
  }, 30_000);
});
