import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Ran } from './fuzz/coverage.ts';
import { Pages } from './fuzz/pages.mjs';
import { placesOf, readersIn } from './fuzz/readers.mjs';
import { repairs } from './fuzz/repair.mjs';
import { buildForks, type Limits, type Portion, runPortion, sumUp } from './fuzz/run.ts';
import { seedsIn } from './fuzz/seeds.ts';

// Every reader of disks over mutants of sound images. GVM_FUZZ_CASES sets how many cases each parser has, shared by its
// images, GVM_FUZZ_SEED makes others, GVM_FUZZ_FROM goes on behind the cases of another run. GVM_FUZZ_FOLDER keeps the
// sound images, without which a case is not the same again; GVM_FUZZ_LOG is a file that a line is added to for each image.
// With GVM_FUZZ_COVERAGE the lines are counted that ran, which is slow: a thousand cases are enough; what did not run is
// written to the file of that name.
const { env } = process;
const CASES = Number(env.GVM_FUZZ_CASES ?? 30_000);
const FROM = Number(env.GVM_FUZZ_FROM ?? 0);
const SEED = Number(env.GVM_FUZZ_SEED ?? 1);
const WORKERS = Number(env.GVM_FUZZ_WORKERS ?? 2);
/** Memory besides some times the image itself. */
const LIMITS: Limits = { time: 20_000, heap: 96, memory: 96 * 2 ** 20 };

const scratch = mkdtempSync(join(tmpdir(), 'gvm-fuzz-'));
const folder = env.GVM_FUZZ_FOLDER ?? scratch;
const images = seedsIn(folder);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const ran = new Ran();

const portion: Portion = {
  ...{ seed: SEED, first: 0, step: 1, end: 10, folder: scratch, addon: buildForks(scratch), coverage: false },
  limits: { time: 1000, heap: 64, memory: 2 ** 26 },
};

test.each([
  ['spins', /case 0 .* does not end/],
  ['is slow', /case 0 .* took \d+/],
  ['waits', /case 0 .* ended without a word/],
  ['fills the heap', /case 0 .* ended with SIGABRT[\s\S]*out of memory/i],
  ['fills buffers', /case 0 .* ended with SIGABRT[\s\S]*out of memory/i],
  ['reads too much', /case 0 .*: .* a read of \d+ bytes/],
  ['throws another error', /case 0 .*: TypeError/],
  ['dies', /case 0 .* ended with SIGABRT/],
])('a reader that %s is found', async (kind, said) => {
  const image = { name: kind, parser: 'none', kind, size: 2 ** 26, pages: new Map() };
  await expect(runPortion(image, portion)).rejects.toThrow(said);
});

test('no case sees what another left', async () => {
  const image = { name: 'leaks', parser: 'none', kind: 'leaks', size: 2 ** 26, pages: new Map() };
  expect(await runPortion(image, portion)).toMatchObject({ tally: { cases: 10, results: 10 } });
});

test.each(images.filter(({ kind }) => kind in repairs).map((image) => [image.name, image] as const))(
  'made right again, the sums of the sound %s are as they were',
  async (_name, image) => {
    const disk = new Pages(image);
    const readers = readersIn(scratch);
    const places = await placesOf(disk, image.kind, readers[image.kind] ?? readers.fileSystem);
    await repairs[image.kind]?.(disk, places);
    const other = [...disk.changed.keys()].filter(
      (page) => !disk.bytes(page * 4096, 4096).equals(disk.sound().bytes(page * 4096, 4096)),
    );
    expect(other).toEqual([]);
  },
);

describe(`${CASES} mutants for each parser, seed ${SEED}`, () => {
  test.each(images.map((image) => [image.name, image] as const))('%s', async (name, image) => {
    const count = Math.ceil(CASES / images.filter(({ parser }) => parser === image.parser).length);
    const limits = { ...LIMITS, memory: LIMITS.memory + image.pages.size * 4096 * 4 };
    const coverage = env.GVM_FUZZ_COVERAGE !== undefined;
    const all = { ...portion, step: WORKERS, end: FROM + count, folder, limits, coverage };
    const began = performance.now();
    const done = await Promise.all(
      Array.from({ length: WORKERS }, (_, worker) => runPortion(image, { ...all, first: FROM + worker })),
    );
    for (const own of done) ran.add(own.coverage ?? []);
    const tally = sumUp(done.map((own) => own.tally));
    const seconds = Math.round((performance.now() - began) / 1000);
    const line = { name, parser: image.parser, seed: SEED, from: FROM, ...tally, seconds };
    console.log(JSON.stringify(line));
    if (env.GVM_FUZZ_LOG) appendFileSync(env.GVM_FUZZ_LOG, `${JSON.stringify(line)}\n`);
    expect(tally.cases).toBe(count);
  });

  test.runIf(env.GVM_FUZZ_COVERAGE)('nine tenths of the lines of each parser ran', () => {
    const found = ran.byParser();
    writeFileSync(env.GVM_FUZZ_COVERAGE ?? '', found.flatMap(({ missed }) => missed).join('\n'));
    const share = ({ ran: own, lines }: { ran: number; lines: number }) => Math.floor((own / lines) * 1000) / 10;
    console.log(found.map((parser) => `${parser.parser}: ${share(parser)} % of ${parser.lines} lines`).join('\n'));
    expect(found.filter((parser) => share(parser) < 90).map(({ parser }) => parser)).toEqual([]);
  });
});
