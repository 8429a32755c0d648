import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { diskSeeds } from './disks.ts';
import { fileSeeds } from './files.ts';
import type { Seed } from './seed.ts';

/**
 * Every sound image, made in a folder. Tools give identities and times of their own to what they make, so a case is the
 * same case only over the same images: they are kept in the folder, and found there the next time.
 */
export function seedsIn(folder: string): Seed[] {
  const kept = join(folder, 'seeds');
  if (existsSync(kept)) return deserialize(readFileSync(kept));
  mkdirSync(folder, { recursive: true });
  const disks = diskSeeds(folder);
  const squashed = new Map(['lz4', 'lzo'].map((name) => [name, readFileSync(join(folder, name))]));
  const seeds = [...disks, ...fileSeeds(folder, squashed)];
  writeFileSync(kept, serialize(seeds));
  return seeds;
}
