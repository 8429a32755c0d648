import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunRecord } from '../schema/index.ts';
import { renderJson } from './json.ts';
import { renderJunit } from './junit.ts';
import { maskSecrets } from './mask.ts';

/** The reports that are always written, in order; each is a function of the run's record. */
const ALWAYS: readonly (readonly [file: string, render: (run: RunRecord) => string])[] = [
  ['run.json', renderJson],
  ['junit.xml', renderJunit],
];

export interface WriteOptions {
  /** Made where it is missing. */
  folder: string;
  /** Texts that must not appear in any report. */
  secrets: readonly string[];
}

/**
 * Writes the reports of a run. Each appears whole under its name or not at all.
 * @returns the paths written
 */
export async function writeReports(run: RunRecord, { folder, secrets }: WriteOptions): Promise<string[]> {
  const masked = maskSecrets(run, secrets);
  await mkdir(folder, { recursive: true });
  const written: string[] = [];
  for (const [file, render] of ALWAYS) {
    const path = join(folder, file);
    await replaceFile(path, render(masked));
    written.push(path);
  }
  return written;
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
