import { mkdtempSync, rmSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ran } from './fuzz/coverage.ts';
import { seedsIn } from './fuzz/seeds.ts';

// Every bound of a reader is driven to: it ends there, with a typed error or with what it has, and the line ran that ends it.
const scratch = mkdtempSync(join(tmpdir(), 'gvm-bounds-'));
const ran = new Ran();
let said: { bound: string; image: string; outcome: string; time: number }[];

beforeAll(async () => {
  const images = new Map(seedsIn(process.env.GVM_FUZZ_FOLDER ?? scratch).map((seed) => [seed.name, seed]));
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
  expect(said.filter(({ outcome, time }) => outcome.startsWith('not typed') || time > 20_000)).toEqual([]);
});

/** What no disk of a test can reach in seconds, or where nothing is refused. */
const unreached: Readonly<Record<string, string>> = {
  'disk/fs/ext/volume MOST_GROUPS_KEPT': 'how many groups are remembered: others are read again',
  'disk/fs/btrfs/subvolumes MOST': 'a list that ends; it takes 257 subvolumes',
  'disk/volume/stack DEEPEST': 'nine volumes in each other',
  'facts/journal-file/read MOST_FILES': 'a list that ends; it takes 65 journals',
  'facts/offline/disk MOST_ENTRIES': 'a list that ends; it takes a folder of 100,000 files',
  'inspect/census MOST_FILES': 'a walk that ends; it takes 20 million files',
  'inspect/initramfs MOST': 'a walk that ends; it takes 200,000 files',
  'inspect/sections/boot MOST': 'a list that ends; it takes 200 programs',
};

test('each is reached', () => {
  const missed = ran.bounds().filter(({ limits }) => limits.includes(false));
  expect(missed.map(({ file, name }) => `${file} ${name}`).sort()).toEqual(Object.keys(unreached).sort());
});
