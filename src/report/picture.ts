import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { RunRecord } from '../schema/index.ts';
import type { Pictures } from './reporter.ts';

/** Bytes of a picture that a page holds. */
const LARGEST = 2 ** 20;

/**
 * Puts a picture of a guest's screen into the folder of the reports. Nothing can be masked in it.
 * @returns its path there
 */
export async function publishPicture(picture: string, guest: string, folder: string): Promise<string> {
  const name = join('screen', `${guest}.png`);
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await copyFile(picture, join(folder, name));
  return name;
}

/** The pictures that a run's record names, as far as they lie in the folder of its reports and can be read. */
export async function readPictures(run: RunRecord, folder: string): Promise<Pictures> {
  const pictures = new Map<string, Buffer>();
  for (const { name, picture } of run.guests) {
    if (picture === undefined) continue;
    const path = resolve(folder, picture);
    if (!path.startsWith(resolve(folder) + sep)) continue;
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size !== undefined && size <= LARGEST) pictures.set(name, await readFile(path));
  }
  return pictures;
}
