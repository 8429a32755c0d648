import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunRecord } from '../schema/index.ts';
import { readConsoles } from './console-log.ts';
import { createMask } from './mask/index.ts';
import { readPictures } from './picture.ts';
import { replaceFile } from './replace-file.ts';
import type { Destination, Reporter } from './reporter.ts';

export interface WriteOptions {
  /** Made where it is missing. */
  folder: string;
  reporters: readonly Reporter[];
  /** Texts that must not appear in any report. */
  secrets: readonly string[];
  /** The file to which GitHub's runner wants the job summary added; undefined elsewhere. */
  stepSummary: string | undefined;
  /** Writes to standard output. */
  print(text: string): void;
}

/**
 * Writes the reports of a run. Each file appears whole under its name or not at all.
 * @returns the paths of the files written
 */
export async function writeReports(run: RunRecord, options: WriteOptions): Promise<string[]> {
  const { folder, reporters, secrets } = options;
  await mkdir(folder, { recursive: true });
  const mask = createMask(secrets);
  const masked = mask.value(run);
  const consoles = await readConsoles(masked, folder, mask);
  const pictures = await readPictures(masked, folder);
  const written: string[] = [];
  for (const { to, render } of reporters.flatMap((reporter) => reporter.outputs)) {
    const path = await deliver(to, () => render(masked, consoles, pictures), options);
    if (path !== undefined) written.push(path);
  }
  return written;
}

async function deliver(to: Destination, text: () => string, options: WriteOptions): Promise<string | undefined> {
  if (to === 'stdout') {
    options.print(text());
    return undefined;
  }
  if (to === 'step-summary') {
    if (options.stepSummary !== undefined) await appendFile(options.stepSummary, text());
    return undefined;
  }
  const path = join(options.folder, to.file);
  await replaceFile(path, text());
  return path;
}
