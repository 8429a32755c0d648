import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { guestWord, linkStaysInside, memberParts } from '../../../src/guest/transfer/names.ts';

test.each([
  ['./a/b', ['a', 'b']],
  ['.', []],
  ['./', []],
  ['a//b/./c/', ['a', 'b', 'c']],
  ['..a/b..', ['..a', 'b..']],
  ['', undefined],
  ['/etc/passwd', undefined],
  ['..', undefined],
  ['a/../../b', undefined],
  ['a/..', undefined],
  ['a\0b', undefined],
  ['x'.repeat(256), undefined],
  ['a/'.repeat(2100), undefined],
])('a member named %j stands at %j', (name, parts) => {
  expect(memberParts(name)).toEqual(parts);
});

test.each([
  ['b', 0, true],
  ['../b', 1, true],
  ['../b', 0, false],
  ['../../b', 1, false],
  ['..', 1, true],
  ['/etc', 5, false],
  ['a/../b', 5, false],
  ['a/..', 5, false],
  ['', 0, false],
])('a link to %j at depth %i stays inside: %s', (target, depth, inside) => {
  expect(linkStaysInside(target, depth)).toBe(inside);
});

test('links that are let through lead nowhere else, whatever stands beside them', () => {
  const part = fc.constantFrom('..', '.', 'a', 'b', 'c');
  const path = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
  const spot = fc.tuple(fc.constantFrom('', 'a/', 'a/b/', 'a/b/c/'), fc.constantFrom('x', 'y', 'z'), path);
  const folder = mkdtempSync(join(tmpdir(), 'gvm-names-'));
  const root = join(folder, 'outer/root');
  try {
    fc.assert(
      fc.property(fc.array(spot, { minLength: 2, maxLength: 6 }), (links) => {
        mkdirSync(join(root, 'a/b/c'), { recursive: true });
        const made: string[] = [];
        for (const [at, name, target] of links) {
          const where = join(root, at, name);
          // The links' own names may be part of a target too.
          const led = target.replaceAll('c', 'x').replaceAll('b', 'y');
          if (made.includes(where) || !linkStaysInside(led, at.split('/').length - 1)) continue;
          symlinkSync(led, where);
          made.push(where);
        }
        for (const where of made) {
          let real: string;
          try {
            real = realpathSync(where);
          } catch {
            continue;
          }
          expect(`${real}/`.startsWith(`${realpathSync(root)}/`)).toBe(true);
        }
        rmSync(root, { recursive: true });
      }),
      { numRuns: 100 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each(['', 'a\0'])('the path %j cannot be a word', (path) => {
  expect(() => guestWord(path)).toThrow(expect.objectContaining({ code: 'usage' }));
});

test('a path is one word and no option', () => {
  expect(guestWord("-rf /it's")).toBe(`'./-rf /it'\\''s'`);
  expect(guestWord('/etc/motd')).toBe('/etc/motd');
});
