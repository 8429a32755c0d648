import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Ran } from './fuzz/coverage.ts';
import { runPortion, sumUp } from './fuzz/run.ts';
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
/** Bytes of buffers that a case may take, besides some times the image itself. */
const BUFFERS = 96 * 2 ** 20;

const scratch = mkdtempSync(join(tmpdir(), 'gvm-fuzz-'));
const folder = env.GVM_FUZZ_FOLDER ?? scratch;
const images = seedsIn(folder);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const ran = new Ran();

describe(`${CASES} mutants for each parser, seed ${SEED}`, () => {
  test.each(images.map((image) => [image.name, image] as const))('%s', async (name, image) => {
    const count = Math.ceil(CASES / images.filter(({ parser }) => parser === image.parser).length);
    const began = performance.now();
    const portions = Array.from({ length: WORKERS }, (_, worker) =>
      runPortion(image, {
        ...{ seed: SEED, first: FROM + worker, step: WORKERS, end: FROM + count, folder },
        coverage: env.GVM_FUZZ_COVERAGE !== undefined,
      }),
    );
    const done = await Promise.all(portions);
    for (const { coverage } of done) ran.add(coverage);
    const tally = sumUp(done.map((portion) => portion.tally));
    const seconds = Math.round((performance.now() - began) / 1000);
    const line = { name, parser: image.parser, seed: SEED, from: FROM, ...tally, seconds };
    console.log(JSON.stringify(line));
    if (env.GVM_FUZZ_LOG) appendFileSync(env.GVM_FUZZ_LOG, `${JSON.stringify(line)}\n`);
    expect(tally.cases).toBe(count);
    expect(tally.buffers).toBeLessThan(BUFFERS + image.pages.size * 4096 * 4);
  });

  test.runIf(env.GVM_FUZZ_COVERAGE)('nine tenths of the lines of each parser ran', () => {
    const found = ran.byParser();
    writeFileSync(env.GVM_FUZZ_COVERAGE ?? '', found.flatMap(({ missed }) => missed).join('\n'));
    const share = ({ ran: own, lines }: { ran: number; lines: number }) => Math.floor((own / lines) * 1000) / 10;
    console.log(found.map((parser) => `${parser.parser}: ${share(parser)} % of ${parser.lines} lines`).join('\n'));
    expect(found.filter((parser) => share(parser) < 90).map(({ parser }) => parser)).toEqual([]);
  });
});
