import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { GvmError } from '../../errors/index.ts';

/** As cryptsetup takes key files. */
const LARGEST = 2 ** 23;

/**
 * What the files of `--key-file` hold; `-` is standard input, and `/dev/fd/N` any other open descriptor. A key never stands
 * on the command line itself, where everybody can read it.
 * @throws GvmError `file-missing`, `usage` for an empty or a huge file
 */
export async function readKeys(files: readonly string[], cwd: string): Promise<Buffer[]> {
  const keys: Buffer[] = [];
  for (const file of files) {
    const key = await readKey(file, cwd);
    if (key.length === 0 || key.length > LARGEST) {
      const found = key.length === 0 ? 'is empty' : `has more than ${LARGEST} bytes`;
      throw new GvmError({ code: 'usage', message: `--key-file ${file} ${found}` });
    }
    keys.push(key);
  }
  return keys;
}

async function readKey(file: string, cwd: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of openKey(file, cwd)) {
      parts.push(part);
      length += part.length;
      if (length > LARGEST) break;
    }
  } catch (cause) {
    throw new GvmError({ code: 'file-missing', message: `the key file ${file} cannot be read`, cause });
  }
  return Buffer.concat(parts);
}

/** A descriptor is read as it is: one of a socket cannot be opened by its name. */
function openKey(file: string, cwd: string): Readable {
  const fd = file === '-' ? '0' : /^\/dev\/fd\/(\d{1,6})$/.exec(file)?.[1];
  if (fd === undefined) return createReadStream(resolve(cwd, file));
  return fd === '0' ? process.stdin : createReadStream('', { fd: Number(fd), autoClose: false });
}
