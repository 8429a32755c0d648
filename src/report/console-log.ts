import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { RunRecord } from '../schema/index.ts';
import type { Mask } from './mask/index.ts';
import type { Consoles } from './reporter.ts';

/** Bytes of a console log that a report holds: half from its beginning, half from its end. */
const LONGEST = 256 * 1024;

/**
 * Puts a guest's console log into the folder of the reports, its secrets masked.
 * @returns its path there
 */
export async function publishConsole(log: string, guest: string, folder: string, mask: Mask): Promise<string> {
  const name = join('console', `${guest}.log`);
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), mask.text(await readFile(log, 'utf8')));
  return name;
}

/** The console logs that a run's record names, as far as they lie in the folder of its reports and can be read. */
export async function readConsoles(run: RunRecord, folder: string, mask: Mask): Promise<Consoles> {
  const logs = new Map<string, string>();
  for (const guest of run.guests) {
    if (guest.console === undefined) continue;
    const path = resolve(folder, guest.console);
    if (!path.startsWith(resolve(folder) + sep)) continue;
    const text = await readEnds(path).catch(() => undefined);
    if (text !== undefined) logs.set(guest.name, mask.text(text));
  }
  return logs;
}

async function readEnds(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const read = async (position: number, length: number): Promise<string> => {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position });
    return buffer.toString('utf8', 0, bytesRead);
  };
  if (size <= LONGEST) return await read(0, size);
  const half = LONGEST / 2;
  return `${await read(0, half)}\n… ${size - LONGEST} bytes …\n${await read(size - half, half)}`;
}
