import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtinFacts, collectOffline, type JournalValue } from '../../src/facts/index.ts';
import { JournalDamage, JournalObjects } from '../../src/facts/journal-file/objects.ts';
import { readJournalOnDisk } from '../../src/facts/powered-off.ts';
import { findTool } from '../../src/process/index.ts';
import { type WriterOptions, type WrittenEntry, writeJournal } from './journal-writer.ts';
import { poweredOff } from './tree-disk.ts';

const BOOTS = ['a'.repeat(32), 'b'.repeat(32)] as const;
const START = 1_790_000_000_000_000n;

function entry(i: number, boot: string, fields: Record<string, string>): WrittenEntry {
  return { boot, realtime: START + BigInt(i) * 1_000_000n, fields: { PRIORITY: '6', ...fields } };
}

const written: WrittenEntry[] = [
  entry(0, BOOTS[0], { MESSAGE: 'of an earlier boot', SYSLOG_IDENTIFIER: 'kernel' }),
  ...Array.from({ length: 30 }, (_, i) =>
    entry(i + 1, BOOTS[1], {
      MESSAGE: i === 7 ? 'long '.repeat(200) : `line ${i}\nof two with \x1b[31m`,
      SYSLOG_IDENTIFIER: i % 2 ? 'sshd' : 'systemd',
      PRIORITY: String(i % 8),
      _SYSTEMD_UNIT: i % 2 ? 'ssh.service' : 'init.scope',
    }),
  ),
];

const forms: [string, WriterOptions][] = [
  ['regular', {}],
  ['compact', { compact: true }],
  ['one array', { array: 100 }],
  ...(findTool('zstd')
    ? ([
        ['compressed', { zstd: true }],
        ['compact and compressed', { compact: true, zstd: true }],
      ] as [string, WriterOptions][])
    : []),
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-journal-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function onDisk(file: Buffer) {
  return await poweredOff({
    '/etc/machine-id': '',
    '/var/log/journal/0123456789abcdef0123456789abcdef/system.journal': file,
  });
}

test('arrays that lie over each other name no more entries than there is room for', () => {
  const bytes = Buffer.alloc(65_536);
  for (let at = 256; at < bytes.length; at += 8) bytes.writeBigUInt64LE(264n, at);
  bytes.write('LPKSHHRH');
  bytes.writeBigUInt64LE(2n ** 40n, 152);
  bytes.writeBigUInt64LE(256n, 176);
  for (let at = 256; at < 60_000; at += 24) {
    bytes.fill(0, at, at + 8)[at] = 6;
    bytes.writeBigUInt64LE(BigInt(bytes.length - at), at + 8);
    bytes.writeBigUInt64LE(BigInt(at + 24 < 60_000 ? at + 24 : 0), at + 16);
  }
  expect(new JournalObjects(bytes).entryOffsets().length).toBeLessThanOrEqual(1024);
});

test('journals beyond the memory for one are read one after the other', async () => {
  const journals = [0, 1, 2].map((i) => {
    const journal = writeJournal([entry(i, BOOTS[1], { MESSAGE: `line ${i}`, SYSLOG_IDENTIFIER: 'x' })]);
    // Zeros take no room on the disk.
    return [`/var/log/journal/machine/${i}.journal`, Buffer.concat([journal, Buffer.alloc(60 * 2 ** 20)])];
  });
  const { disk, remove } = await poweredOff({ '/etc/os-release': 'ID=x\n', ...Object.fromEntries(journals) });
  try {
    const found = await readJournalOnDisk(disk, 10);
    expect(found?.entries.map(({ fields }) => fields.get('MESSAGE'))).toEqual(['line 0', 'line 1', 'line 2']);
    expect(found?.damage).toEqual([]);
  } finally {
    await remove();
  }
});

describe.each(forms)('%s', (_, options) => {
  const file = writeJournal(written, options);

  test.runIf(findTool('journalctl'))('journalctl reads the same of the last boot', async () => {
    const path = join(folder, 'system.journal');
    writeFileSync(path, file);
    const text = execFileSync('journalctl', ['--file', path, '-o', 'json', '--no-pager', '-q', '--all']).toString();
    const told = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string | number[]>)
      .filter((record) => record._BOOT_ID === BOOTS[1]);
    const messages = told.map(({ MESSAGE }) => (Array.isArray(MESSAGE) ? Buffer.from(MESSAGE).toString() : MESSAGE));
    const off = await onDisk(file);
    const found = await readJournalOnDisk(off.disk, 1000);
    expect(found?.entries.map(({ fields }) => fields.get('MESSAGE'))).toEqual(messages);
    expect(found?.entries.map(({ realtime }) => String(realtime))).toEqual(told.map((r) => r.__REALTIME_TIMESTAMP));
    expect(messages).toHaveLength(30);
    await off.remove();
  });

  test('by program, unit and priority', async () => {
    const off = await onDisk(file);
    const ask = async (args: object) => {
      const [answer] = await collectOffline([{ fact: 'journal', args }], { facts: builtinFacts, disk: off.disk });
      return (answer?.value as JournalValue | undefined)?.entries.map((e) => e.message.split('\n')[0]);
    };
    expect(await ask({ identifier: 'sshd' })).toHaveLength(15);
    expect(await ask({ unit: 'ssh' })).toHaveLength(15);
    expect(await ask({ unit: 'init.scope', priority: 1 })).toEqual(['line 0', 'line 8', 'line 16', 'line 24']);
    expect(await ask({ identifier: 'none' })).toEqual([]);
    await off.remove();
  });

  test('the last ones alone, and that there were more', async () => {
    const off = await onDisk(file);
    const found = await readJournalOnDisk(off.disk, 3);
    expect(found).toMatchObject({ more: true, damage: [] });
    expect(found?.entries.map(({ fields }) => fields.get('MESSAGE')?.split('\n')[0])).toEqual([
      'line 27',
      'line 28',
      'line 29',
    ]);
    await off.remove();
  });

  test('damaged bytes end in damage or an answer, and never hang', () => {
    const offsets = new JournalObjects(file).entryOffsets();
    expect(offsets).toHaveLength(31);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.option(fc.nat(file.length)),
        (changes, cut) => {
          const bytes = Buffer.from(file.subarray(0, cut ?? file.length));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            const objects = new JournalObjects(bytes);
            for (const at of objects.entryOffsets()) for (const item of objects.entry(at).items) objects.data(item);
          } catch (error) {
            if (!(error instanceof JournalDamage)) throw error;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test('a circle of arrays, and an unknown feature', () => {
  const file = writeJournal(written);
  const objects = new JournalObjects(file);
  const circle = Buffer.from(file);
  circle.writeBigUInt64LE(BigInt(objects.header.entryArray), objects.header.entryArray + 16);
  expect(() => new JournalObjects(circle).entryOffsets()).toThrow(/leads back/);
  const unknown = Buffer.from(file);
  unknown.writeUInt32LE(0x44, 12);
  expect(() => new JournalObjects(unknown)).toThrow('unknown feature 0x40');
});
