import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GvmError } from '../errors/index.ts';
import type { Registry } from './check.ts';
import { compileSuite } from './compile.ts';
import { compileGoss, isGoss } from './goss/compile.ts';
import { resolveHostFiles } from './host-files.ts';
import type { SuitePlan } from './plan.ts';

const MAX_BYTES = 2 ** 20;

/**
 * Reads and compiles a suite file, or a goss file.
 * @param shown the name that positions and reports show; the path itself where it is not given
 * @throws GvmError `file-missing`, `file-outside`, `document-syntax`, `document-invalid`
 */
export async function loadSuite(
  path: string,
  registry: Registry,
  shown: string = path,
  env: NodeJS.ProcessEnv = process.env,
): Promise<SuitePlan> {
  const text = await readSuite(path, shown);
  if (isGoss(path)) return compileGoss(text, shown, registry);
  const plan = compileSuite(text, shown, registry, env);
  return await resolveHostFiles(plan, dirname(path), registry);
}

async function readSuite(path: string, shown: string): Promise<string> {
  await using file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code})`;
    throw new GvmError({ code: 'file-missing', message: `the suite ${shown} ${why}`, cause });
  });
  const stat = await file.stat();
  const refuse = (message: string) =>
    new GvmError({ code: 'document-syntax', message, position: { file: shown, line: 1, column: 1 } });
  if (!stat.isFile()) throw refuse('a suite is a regular file');
  if (stat.size > MAX_BYTES) throw refuse(`the suite has ${stat.size} bytes; at most ${MAX_BYTES} are read`);
  const bytes = await file.readFile();
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse('the suite is not UTF-8 text');
  }
}
