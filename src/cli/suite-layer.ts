import { existsSync, realpathSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileLayer, type MachineLayer } from '../config/index.ts';
import { GvmError } from '../errors/index.ts';
import type { MachineKeys } from '../schema/index.ts';

/**
 * The machine keys of a suite. A login key that it names lies in its own folder, links resolved: a suite reads no other
 * file of the host.
 * @throws GvmError `file-outside`, `file-missing`
 */
export function suiteLayer(file: string, machine: MachineKeys, cwd: string): MachineLayer {
  const folder = dirname(resolve(cwd, file));
  const layer = fileLayer(file, machine, folder);
  const key = layer.keys.login?.key;
  if (key === undefined) return layer;
  if (!existsSync(key)) throw new GvmError({ code: 'file-missing', message: `${file}: there is no login key ${key}` });
  if (relative(realpathSync(folder), realpathSync(key)).startsWith('..')) {
    throw new GvmError({
      code: 'file-outside',
      message: `${file}: the login key ${machine.login?.key} is not in the folder of the suite`,
      hint: 'put it there, or name it in gvm.yaml',
    });
  }
  return layer;
}
