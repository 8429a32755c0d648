import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ran } from './fuzz/coverage.ts';
import { wideBtrfs } from './fuzz/disks.ts';
import { crowdedRoot } from './fuzz/files.ts';
import { seedsIn } from './fuzz/seeds.ts';

// Every bound of a reader is driven to: it ends there, with a typed error or with what it has, and the line ran that ends it.
// docs/bounds.md says which disk does; GVM_UPDATE=1 writes it.
const page = fileURLToPath(new URL('../../docs/bounds.md', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'gvm-bounds-'));
const ran = new Ran();
let said: { bound: string; line?: string; image: string; outcome: string; time: number; most: number }[];

beforeAll(async () => {
  const images = new Map(seedsIn(process.env.GVM_FUZZ_FOLDER ?? scratch).map((seed) => [seed.name, seed]));
  images.set('system-crowded', crowdedRoot(scratch));
  images.set('btrfs-crowded', wideBtrfs(scratch));
  const worker = new Worker(new URL('./fuzz/bounds-worker.mjs', import.meta.url), {
    workerData: { images, folder: scratch },
  });
  const done = await new Promise<{ said: typeof said; coverage: Profiler.ScriptCoverage[] }>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('the worker ended without a word')));
  });
  said = done.said;
  ran.add(done.coverage);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('each ends in a typed error or a result, within seconds', () => {
  console.log(
    said.map(({ bound, image, outcome, time }) => `${bound} (${image}, ${Math.round(time)} ms): ${outcome}`).join('\n'),
  );
  expect(said.filter(({ outcome, time, most }) => outcome.startsWith('not typed') || time > most)).toEqual([]);
});

test('each is reached', () => {
  const missed = ran.bounds().filter(({ limits }) => limits.includes(false));
  expect(missed.map(({ file, name }) => `${file} ${name}`)).toEqual([]);
  const lines = said.flatMap(({ bound, line }) => (line === undefined ? [] : [{ bound, line }]));
  expect(lines.filter(({ bound, line }) => !ran.said(bound.split(' ', 1)[0] ?? '', line))).toEqual([]);
});

test('the page of bounds says so', () => {
  const named = ran.bounds().map(({ file, name, value, limits }) => {
    const bound = `${file} ${name}`;
    const images = new Set(said.filter((one) => one.bound === bound).map(({ image }) => image));
    const others =
      limits.length > 0 ? 'disks of other bounds' : 'no disk by itself: it cuts, ends or forgets, and refuses nothing';
    return `| ${file} | ${name} | ${value.replace(/;.*/, '')} | ${[...images].join(', ') || others} |`;
  });
  const others = said.flatMap(({ bound, line, image }) => {
    const [file = '', ...words] = bound.split(' ');
    return line === undefined ? [] : [`| ${file} | | ${words.join(' ')} | ${image} |`];
  });
  const text = readFileSync(page, 'utf8');
  const [head = ''] = text.split('| reader |');
  const table = `${head}| reader | bound | value | reached by |\n|---|---|---|---|\n${[...named, ...others].sort().join('\n')}\n`;
  if (process.env.GVM_UPDATE === '1') writeFileSync(page, table);
  else expect(text).toBe(table);
});
