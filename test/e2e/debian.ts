import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fetchPackages } from '../../src/image/build/apt.ts';
import { scratchFolder } from '../../src/process/index.ts';
import { home } from './gvm.ts';

const DAY = 86_400_000;

/**
 * Debian packages of the suite that the openrc image is made of, downloaded as an image's are, under their own names in
 * a folder of the user's store. What was asked for within a day is not asked for again.
 */
export async function debianPackages(arch: 'amd64' | 'arm64', ...names: string[]): Promise<string[]> {
  const folder = join(home, 'test-packages', arch);
  mkdirSync(folder, { recursive: true });
  const list = names.join('+');
  const note = join(folder, `${list.length < 200 ? list : createHash('sha256').update(list).digest('hex')}.json`);
  try {
    if (Date.now() - statSync(note).mtimeMs < DAY) return knownFiles(folder, note);
  } catch {
    // Not asked for yet.
  }
  const work = scratchFolder();
  try {
    const archive = { suite: 'bookworm', arch, for: 'a test' };
    const found = await fetchPackages(names, archive, {
      work,
      packageCache: join(home, 'packages'),
      onEvent: () => {},
    });
    const files = found.map(({ name, file }) => {
      const path = join(folder, `${name}.deb`);
      rmSync(path, { force: true });
      linkSync(file, path);
      return path;
    });
    // The store is reached through a folder of this run.
    writeFileSync(note, JSON.stringify(files.map((file) => basename(file))));
    return files;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function knownFiles(folder: string, note: string): string[] {
  const files = (JSON.parse(readFileSync(note, 'utf8')) as string[]).map((file) => join(folder, basename(file)));
  for (const file of files) statSync(file);
  return files;
}
