import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { GvmError } from '../errors/index.ts';
import { type LoadedDocument, loadDocument, type Project, projectSchema } from '../schema/index.ts';

const NAME = 'gvm.yaml';

/**
 * The project's `gvm.yaml`: the file given, else the nearest one from `directory` up to the repository root.
 * Undefined where there is none.
 * @throws GvmError `file-missing` where a given file does not exist, `document-*` where it is not valid
 */
export function findProject(directory: string, given?: string): LoadedDocument<Project> | undefined {
  if (given !== undefined) {
    const file = resolve(directory, given);
    if (!existsSync(file)) throw new GvmError({ code: 'file-missing', message: `no such configuration file: ${file}` });
    return read(file);
  }
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const file = join(folder, NAME);
    if (existsSync(file)) return read(file);
    if (existsSync(join(folder, '.git')) || folder === dirname(folder)) return undefined;
  }
}

function read(file: string): LoadedDocument<Project> {
  return loadDocument(readFileSync(file, 'utf8'), file, projectSchema);
}
