import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isGvmError } from '../../src/errors/index.ts';
import { builtinFacts, collectOffline } from '../../src/facts/index.ts';
import { readRpmHeader } from '../../src/facts/rpm/header.ts';
import { ndbBlobs } from '../../src/facts/rpm/ndb.ts';
import { tableRows } from '../../src/facts/rpm/sqlite.ts';
import { findTool } from '../../src/process/index.ts';
import { rpmNdb as ndb, rpmHeaders, rpmSqlite } from './rpm-writer.ts';
import { poweredOff } from './tree-disk.ts';

const sqlite = rpmSqlite();
const blobs = rpmHeaders(sqlite);
const expected = ['alpha 1.2.3-4.fc40', 'beta-tools 3:2.0~rc1-1', 'gamma 0.1-1'];

describe.each([
  ['rpmdb.sqlite', sqlite],
  ['Packages.db', ndb(blobs)],
])('%s', (name, database) => {
  test('the packages as rpm -qa told them', async () => {
    const off = await poweredOff({ '/etc/': '', [`/usr/lib/sysimage/rpm/${name}`]: database });
    const names = ['alpha', 'beta-tools', 'gamma', 'delta'].map((n) => ({ fact: 'package', args: { name: n } }));
    const answers = await collectOffline(names, { facts: builtinFacts, disk: off.disk });
    expect(answers.map(({ value }) => value)).toEqual([
      { manager: 'rpm', installed: true, versions: ['1.2.3-4.fc40'] },
      { manager: 'rpm', installed: true, versions: ['3:2.0~rc1-1'] },
      { manager: 'rpm', installed: true, versions: ['0.1-1'] },
      { manager: 'rpm', installed: false, versions: [] },
    ]);
    await off.remove();
  });

  test('damaged bytes end in a typed error or an answer', () => {
    const read = (bytes: Buffer) =>
      name === 'Packages.db'
        ? [...ndbBlobs(bytes)].map(readRpmHeader)
        : [...tableRows(bytes, undefined, 'Packages')].map(([, blob]) =>
            Buffer.isBuffer(blob) ? readRpmHeader(blob) : undefined,
          );
    expect(
      read(database)
        .map((p) => `${p?.name} ${p?.version}`)
        .sort(),
    ).toEqual(expected);
    const place = fc.oneof(fc.nat(8192), fc.nat(database.length - 1));
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 5 }), (changes) => {
        const bytes = Buffer.from(database);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          read(bytes);
        } catch (error) {
          if (!isGvmError(error) || error.code !== 'corrupt') throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe.runIf(findTool('sqlite3'))('against sqlite3', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gvm-sqlite-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const lengths = [0, 1, 30, 470, 471, 500, 1000, 4000, 4061, 4062, 8200, 70_000];

  test.each([512, 1024, 4096, 65536])('rows of every length in pages of %i bytes, in file and log', (page) => {
    const path = join(folder, `${page}.db`);
    const rows = Array.from({ length: 300 }, (_, i) => randomBytes(lengths[i % lengths.length] ?? 0));
    const insert = (own: readonly Buffer[], first: number) =>
      own.map(
        (blob, i) => `insert into t values(${first + i}, ${(first + i) * 1000 - 70_000}, x'${blob.toString('hex')}');`,
      );
    const script = [
      `pragma page_size=${page}; pragma journal_mode=wal; pragma synchronous=off; pragma wal_autocheckpoint=0;`,
      'create table other(x); create table t(id integer primary key, n int, b blob);',
      'begin;',
      ...insert(rows.slice(0, 200), 1),
      'commit;',
      'pragma wal_checkpoint(truncate);',
      '.dbconfig no_ckpt_on_close on',
      'begin;',
      ...insert(rows.slice(200), 201),
      'commit;',
      'delete from t where id = 7;',
    ];
    execFileSync('sqlite3', [path], { input: script.join('\n') });
    expect(existsSync(`${path}-wal`)).toBe(true);
    const [database, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
    const read = [...tableRows(database, log, 't')];
    const kept = rows.map((blob, i) => [null, (i + 1) * 1000 - 70_000, blob]).filter((_, i) => i !== 6);
    // Compared as text: vitest goes through a buffer byte by byte.
    const texts = (all: readonly (readonly unknown[])[]) =>
      all.map((row) => row.map((one) => (Buffer.isBuffer(one) ? one.toString('hex') : one)));
    expect(read).toHaveLength(299);
    expect(texts(read)).toEqual(texts(kept));
    // Without its log the file is what it was before.
    expect([...tableRows(database, undefined, 't')]).toHaveLength(200);
    // A frame whose sum is wrong ends the log.
    const torn = Buffer.from(log);
    torn[40] = (torn[40] ?? 0) ^ 1;
    expect([...tableRows(database, torn, 't')]).toHaveLength(200);
  });
});
