import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLayout } from '../../src/disk/index.ts';
import { MemorySource } from '../../src/disk/source/memory.ts';
import { fixtureDisk, fixturePath } from '../disk/volume/fixture.ts';
import { type MadeDisk, makeDisks } from './volumes/guest.ts';
import { smallCases } from './volumes/small.ts';

// Makes the small disks of test/fixtures/volumes anew. What is kept there must show the same volumes; GVM_UPDATE=1 keeps the
// new ones instead.
const folder = mkdtempSync(join(tmpdir(), 'gvm-volume-fixtures-'));
let made: Map<string, MadeDisk>;

beforeAll(async () => {
  mkdirSync(join(folder, 'tree'));
  made = await makeDisks(folder, smallCases, join(folder, 'tree'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function volumesOf(bytes: Buffer) {
  const { volumes } = await readLayout(new MemorySource(bytes));
  return volumes.map(({ name, how, content, on, fs }) => ({ name, how, content, on, label: fs?.label }));
}

test.each(smallCases.map(({ name }) => name))('%s', async (name) => {
  const bytes = readFileSync(made.get(name)?.path ?? '');
  if (process.env.GVM_UPDATE === '1') {
    mkdirSync(join(fixturePath(name), '..'), { recursive: true });
    writeFileSync(fixturePath(name), brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } }));
  }
  expect(await volumesOf(fixtureDisk(name))).toEqual(await volumesOf(bytes));
});
