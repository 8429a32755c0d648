import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { GvmError } from '../errors/index.ts';

// Ordinary users of some distributions have no sbin folder in PATH, though its tools serve them as well.
const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Absolute path of a tool, searched in PATH and then in the sbin folders; undefined where it is not installed. */
export function findTool(name: string): string | undefined {
  if (name.includes('/')) return isExecutable(name) ? name : undefined;
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter((f) => f.startsWith('/')), ...SBIN];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** As {@link findTool}. @throws GvmError `tool-missing` */
export function requireTool(name: string): string {
  const path = findTool(name);
  if (path) return path;
  throw new GvmError({
    code: 'tool-missing',
    message: `${name} is not installed (not found in PATH)`,
    hint: '`gvm doctor` names the package to install',
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
