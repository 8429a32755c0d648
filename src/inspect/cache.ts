import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesOf, type ImageChain } from '../disk/index.ts';
import type { Inspection } from './schema.ts';

/** Inspections that are kept, of the images that were asked for last. */
const KEPT = 100;

/**
 * What was found out of an image, from the cache where no file of its chain has changed since, else anew. A cache that
 * cannot be read or written is as if there were none.
 * @param folder it holds what images hold: mode 0700, its files 0600
 */
export async function rememberInspection(
  folder: string,
  chain: ImageChain,
  make: () => Promise<Inspection>,
): Promise<Inspection> {
  const identity = await identityOf(chain);
  const file = join(folder, `${identity}.json`);
  const known = await readKnown(file);
  if (known) return known;
  const found = await make();
  // An image that was written to meanwhile is no longer the one that was read.
  if ((await identityOf(chain)) === identity) await keep(folder, file, found).catch(() => {});
  return found;
}

/** A digest over the files of a chain as the file system knows them, and over this gvm. */
async function identityOf(chain: ImageChain): Promise<string> {
  const own = await stat(fileURLToPath(import.meta.url), { bigint: true });
  const hash = createHash('sha256').update(`${own.mtimeNs}\0${own.size}\0`);
  for (const file of filesOf(chain)) {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    hash.update([file, dev, ino, size, mtimeNs, ctimeNs].join('\0')).update('\0');
  }
  hash.update(JSON.stringify([chain.layers.map(({ format }) => format), chain.snapshot?.id]));
  return hash.digest('hex');
}

async function readKnown(file: string): Promise<Inspection | undefined> {
  try {
    const text = await readFile(file, 'utf8');
    const { inspectionSchema } = await import('./schema.ts');
    return inspectionSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function keep(folder: string, file: string, found: Inspection): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, JSON.stringify(found), { mode: 0o600, flag: 'wx' });
  await rename(temporary, file);
  const names = (await readdir(folder)).map((name) => join(folder, name));
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(name)).mtimeMs })));
  for (const { name } of aged.sort((a, b) => b.at - a.at).slice(KEPT)) await rm(name, { force: true });
}
