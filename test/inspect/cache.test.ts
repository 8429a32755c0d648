import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Inspection, rememberInspection } from '../../src/inspect/index.ts';

let folder: string;
let image: string;
let base: string;
let reads = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-inspections-'));
  [image, base] = [join(folder, 'top.raw'), join(folder, 'base.raw')];
  for (const file of [image, base]) writeFileSync(file, 'x'.repeat(512));
  reads = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const chain = () => ({
  layers: [image, base].map((path) => ({ path, format: 'raw' as const, virtualSize: 512 })),
  virtualSize: 512,
});

async function ask(while_ = () => {}): Promise<Inspection> {
  return await rememberInspection(join(folder, 'cache'), chain(), async () => {
    while_();
    return { version: 1, image: `read ${++reads}`, files: [], size: 512, volumes: [], sections: {}, diagnostics: [] };
  });
}

test('what has not changed is told again', async () => {
  expect([(await ask()).image, (await ask()).image]).toEqual(['read 1', 'read 1']);
  const [name = ''] = readdirSync(join(folder, 'cache'));
  expect(statSync(join(folder, 'cache', name)).mode & 0o777).toBe(0o600);
});

test.each([
  ['the image', () => appendFileSync(image, 'y')],
  ['a file below it', () => appendFileSync(base, 'y')],
  [
    'its content, with size and time put back',
    () => {
      const { atime, mtime } = statSync(base);
      writeFileSync(base, 'z'.repeat(512));
      utimesSync(base, atime, mtime);
    },
  ],
])('%s changes: it is read again', async (_, change) => {
  await ask();
  change();
  expect((await ask()).image).toBe('read 2');
});

test('an image that is written to while it is read is not remembered', async () => {
  await ask(() => truncateSync(image, 1024));
  expect((await ask()).image).toBe('read 2');
});

test('a damaged memory is none', async () => {
  await ask();
  for (const name of readdirSync(join(folder, 'cache'))) writeFileSync(join(folder, 'cache', name), '{"version":1}');
  expect((await ask()).image).toBe('read 2');
});
