import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fileSystems, openFileSystem } from '../../src/disk/fs/registry.ts';
import { Vfs } from '../../src/disk/index.ts';
import { readPartitionTable } from '../../src/disk/partition/table.ts';
import { SliceSource } from '../../src/disk/source/slice.ts';
import { findTool } from '../../src/process/index.ts';
import { isTyped } from '../disk/mutate.ts';
import {
  isPacked,
  oracles,
  ourPartitions,
  ourUnpacked,
  ourWords,
  type Said,
  sfdisk,
  unpacked,
} from './fuzz/oracles.ts';
import { mutate, Pages } from './fuzz/pages.mjs';
import { placesOf, readersIn } from './fuzz/readers.mjs';
import { repairs } from './fuzz/repair.mjs';
import type { Seed } from './fuzz/seed.ts';
import { seedsIn } from './fuzz/seeds.ts';
import { askBoth, type Part, volumeOracles } from './fuzz/volume-oracles.ts';

// A sample of mutants, of which the tools of each format are asked as well: where both read all of it without a word of
// complaint, both say the same. GVM_FUZZ_CASES sets how many mutants there are of each image, GVM_FUZZ_SEED makes others.
const CASES = Number(process.env.GVM_FUZZ_CASES ?? 100);
const SEED = Number(process.env.GVM_FUZZ_SEED ?? 1);
const PAGE = 4096;

const scratch = mkdtempSync(join(tmpdir(), 'gvm-oracles-'));
const images = seedsIn(process.env.GVM_FUZZ_FOLDER ?? scratch).filter(
  ({ name, kind }) => name in oracles || kind === 'partitions' || isPacked(kind) || hasTool(kind),
);

/** Tools of volumes are asked where they are; not every distribution has them without their daemons. */
function hasTool(kind: string): boolean {
  const tool = volumeOracles[kind]?.tool;
  return tool !== undefined && findTool(tool) !== undefined;
}

/** The partitions of a sound disk, or the whole of it. */
async function partsOf(disk: Pages): Promise<Part[]> {
  const table = await readPartitionTable(disk);
  const whole = { name: 'disk', start: 0, size: disk.size };
  return table?.partitions.map(({ number, start, size }) => ({ name: `p${number}`, start, size })) ?? [whole];
}
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The image as a file, in which the changed pages are put, and set back before the next. */
function fileOf({ size, pages }: Seed) {
  const path = join(scratch, 'mutant');
  const file = openSync(path, 'w');
  truncateSync(path, size);
  for (const [index, page] of pages) writeSync(file, page, 0, Math.min(PAGE, size - index * PAGE), index * PAGE);
  let before: number[] = [];
  return {
    path,
    put(disk: Pages) {
      const now = [...disk.changed.keys()];
      for (const index of new Set([...before, ...now])) {
        const bytes = disk.bytes(index * PAGE, Math.min(PAGE, size - index * PAGE));
        writeSync(file, bytes, 0, bytes.length, index * PAGE);
      }
      before = now;
    },
    close: () => closeSync(file),
  };
}

/** What we say, or why we do not. */
async function ourAnswer(image: Seed, disk: Pages): Promise<Said | string> {
  try {
    if (isPacked(image.kind)) return ourUnpacked(image.kind, disk.bytes(0, disk.size));
    if (image.kind === 'partitions') {
      const table = await readPartitionTable(disk);
      return table?.diagnostics[0]?.message ?? (table ? ourPartitions(table.partitions) : 'no table');
    }
    const fs = await openFileSystem(disk, fileSystems);
    const oracle = oracles[image.name];
    if (!fs || !oracle) return 'no file system';
    return fs.diagnostics[0]?.message ?? (await ourWords(oracle, new Vfs(fs)));
  } catch (error) {
    if (!isTyped(error)) throw error;
    return (error as Error).message;
  }
}

describe(`${CASES} mutants of each image, seed ${SEED}`, () => {
  test.each(images.map((image) => [image.name, image] as const))('%s', async (name, image) => {
    const disk = new Pages(image);
    const readers = readersIn(scratch);
    const volume = volumeOracles[image.kind];
    const parts = volume ? await partsOf(disk) : [];
    // Of volumes the heads alone, for of these their tools are asked.
    const heads = async (source: Pages) => {
      for (const { start, size } of parts) await volume?.ours(new SliceSource(source, start, size));
    };
    const reader = volume ? heads : (readers[image.kind] ?? readers.fileSystem);
    const places = await placesOf(disk, image.kind, reader);
    const file = fileOf(image);
    const tally = { same: 0, differ: 0, weRefuse: 0, theyRefuse: 0, bothRefuse: 0 };
    const differences: string[] = [];
    const reasons = new Set<string>();
    // The sound one first.
    for (let number = -1; number < CASES; number++) {
      const repaired = number >= 0 && mutate(disk, places, Math.imul(SEED, 1_000_003) + number);
      if (repaired) await repairs[image.kind]?.(disk, places);
      file.put(disk);
      const both = volume && (await askBoth(volume, disk, parts, scratch, isTyped));
      const ours = both ? both.ours : await ourAnswer(image, disk);
      const known = typeof ours === 'string' ? new Map<string, string>() : ours;
      const theirs = both
        ? both.theirs
        : image.kind === 'partitions'
          ? sfdisk(file.path)
          : isPacked(image.kind)
            ? unpacked(image.kind, file.path)
            : oracles[name]?.ask(file.path, known);
      if (typeof ours === 'string' || !theirs) {
        tally[typeof ours !== 'string' ? 'theyRefuse' : theirs ? 'weRefuse' : 'bothRefuse']++;
        if (typeof ours === 'string' && theirs) reasons.add(ours.replace(/\d+/g, 'N'));
        continue;
      }
      // Linux, and so we, look for partitions in all four entries of an extended boot record, sfdisk in two.
      const others = [...theirs.values()];
      if (
        image.kind === 'partitions' &&
        [...ours.values()].some((own) => own.endsWith(' 0') && !others.includes(own))
      ) {
        tally.theyRefuse++;
        continue;
      }
      // Of several parts those are compared that neither complains of.
      const paths = new Set(
        [...ours.keys(), ...theirs.keys()].filter((one) => !volume || (ours.has(one) && theirs.has(one))),
      );
      const wrong = [...paths].filter((path) => ours.get(path) !== theirs.get(path));
      tally[wrong.length === 0 ? 'same' : 'differ']++;
      const [path] = wrong;
      if (path !== undefined)
        differences.push(`case ${number}: ${path}: ours ${ours.get(path)}, theirs ${theirs.get(path)}`);
    }
    file.close();
    console.log(`${name}: ${JSON.stringify(tally)}\n${[...reasons].map((reason) => `  we: ${reason}`).join('\n')}`);
    expect(differences).toEqual([]);
    // The sound one, and a mutant: but one of what is packed is hardly ever read.
    expect(tally.same).toBeGreaterThan(isPacked(image.kind) ? 0 : 1);
  });
});
