import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findViolations } from '../../ci/import-rules.mjs';

const src = new URL('../../src', import.meta.url).pathname;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-rules-'));
  copyFileSync(join(src, 'rooms.json'), join(folder, 'rooms.json'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function plant(file: string, text: string): void {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), text);
}

test('the tree keeps its own rules', () => {
  expect(findViolations(src)).toEqual([]);
});

test('a room is entered by its doors', () => {
  plant('inspect/planted.ts', "export { initOf } from '../facts/powered-off.ts';");
  expect(findViolations(folder)).toEqual([]);
});

test.each([
  ['core/planted.ts', "import '../errors/index.ts';", 'the row of core does not name errors'],
  ['disk/planted.ts', "export type { Project } from '../schema/index.ts';", 'the row of disk excludes schema'],
  ['suite/planted.ts', "await import('vitest');", 'only engine may import vitest'],
  ['lab/planted.ts', "import '../machine/args/disks.ts';", 'a room is imported through its index.ts'],
  ['machine/planted.ts', "import { x } from '../disk/index.ts';", 'the row of machine does not name disk'],
  ['core/planted.ts', "import '../cli.ts';", 'a room does not import the entry files'],
  ['attic/planted.ts', '', 'the room attic has no row in rooms.json'],
])('a violation planted in %s is found', (file, text, problem) => {
  plant(file, text);
  const violations = findViolations(folder);
  expect(violations).toHaveLength(1);
  expect(violations[0]).toContain(problem);
});
