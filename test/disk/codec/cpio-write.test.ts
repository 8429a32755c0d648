import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type CpioEntry, writeCpio } from '../../../src/disk/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-cpio-'));
afterAll(() => rmSync(folder, { recursive: true }));

const entries: CpioEntry[] = [
  { path: 'init', kind: 'file', mode: 0o755, bytes: Buffer.from('#!/bin/sh\n') },
  { path: 'bin', kind: 'folder' },
  { path: 'bin/sh', kind: 'link', target: '/bin/busybox' },
  { path: 'bin/odd', kind: 'file', bytes: Buffer.from('abc') },
  { path: 'dev', kind: 'folder', mode: 0o700 },
];

test('cpio unpacks what was written, with modes and times', () => {
  const archive = join(folder, 'a.cpio');
  writeFileSync(archive, writeCpio(entries, { mtime: 1_700_000_000 }));
  const out = mkdtempSync(join(folder, 'out-'));
  execFileSync('cpio', ['-idm', '--quiet', '-F', archive], { cwd: out });
  expect(readFileSync(join(out, 'init'), 'utf8')).toBe('#!/bin/sh\n');
  expect(readFileSync(join(out, 'bin/odd'), 'utf8')).toBe('abc');
  expect(readlinkSync(join(out, 'bin/sh'))).toBe('/bin/busybox');
  expect(statSync(join(out, 'init')).mode & 0o7777).toBe(0o755);
  expect(statSync(join(out, 'dev')).mode & 0o7777).toBe(0o700);
  expect(statSync(join(out, 'init')).mtimeMs).toBe(1_700_000_000_000);
});

test('cpio lists devices and inode numbers counted in path order', () => {
  const archive = join(folder, 'b.cpio');
  const device: CpioEntry = { path: 'dev/console', kind: 'device', mode: 0o600, major: 5, minor: 1 };
  writeFileSync(archive, writeCpio([device, ...entries], { mtime: 0 }));
  const listing = execFileSync('cpio', ['-itv', '--quiet', '-F', archive], { encoding: 'utf8' });
  expect(listing).toMatch(/^crw------- .* 5, +1 .* dev\/console$/m);
  const names = listing
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replace(/ -> .*/, '')
        .split(' ')
        .at(-1),
    );
  expect(names).toEqual(['bin', 'bin/odd', 'bin/sh', 'dev', 'dev/console', 'init']);
});

test('the order in which entries are given does not matter, and each header is aligned', () => {
  const file = fc.record({
    path: fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8})?$/),
    bytes: fc.uint8Array({ maxLength: 40 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(file, { selector: (f) => f.path, maxLength: 12 }), fc.nat(), (files, seed) => {
      const given: CpioEntry[] = files.map((f) => ({ ...f, kind: 'file' }));
      const turned = [...given.slice(seed % (given.length + 1)), ...given.slice(0, seed % (given.length + 1))];
      const bytes = writeCpio(given, { mtime: 1 });
      expect(Buffer.compare(bytes, writeCpio(turned, { mtime: 1 }))).toBe(0);
      expect(bytes.length % 4).toBe(0);
    }),
  );
});

test.each([
  ['', 'not a path for a cpio archive: ""'],
  ['/etc', 'not a path for a cpio archive: "/etc"'],
])('refuses the path "%s"', (path, message) => {
  expect(() => writeCpio([{ path, kind: 'folder' }], { mtime: 0 })).toThrow(message);
});

test('refuses a path that stands twice', () => {
  const twice: CpioEntry = { path: 'a', kind: 'folder' };
  expect(() => writeCpio([twice, twice], { mtime: 0 })).toThrow('twice in one cpio archive: "a"');
});
