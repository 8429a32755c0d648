import { isDeepStrictEqual } from 'node:util';
import { showBytes } from '../../../src/core/index.ts';
import { type Vfs, walkTree } from '../../../src/disk/index.ts';
import type { Line } from '../../disk/tree.ts';

const TYPES: Record<string, string> = {
  d: 'directory',
  f: 'file',
  l: 'symlink',
  p: 'fifo',
  b: 'block',
  c: 'character',
};

/** Fields that end with a NUL each. */
function* records(bytes: Buffer, fields: number): Generator<Buffer[]> {
  let record: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    record.push(bytes.subarray(at, end));
    at = end + 1;
    if (record.length < fields) continue;
    yield record;
    record = [];
  }
}

/** A listing as find(1) and sha256sum(1) of the guest gave it. */
export function kernelListing(oracle: ReadonlyMap<string, Buffer>, name: string): Map<string, Line> {
  const sums = new Map<string, string>();
  for (const [line] of records(oracle.get(`${name}.sums`) ?? Buffer.alloc(0), 1)) {
    if (line) sums.set(line.subarray(66).toString('latin1'), line.toString('latin1', 0, 64));
  }
  const found = new Map<string, Line>();
  for (const record of records(oracle.get(`${name}.list`) ?? Buffer.alloc(0), 9)) {
    const [path = Buffer.alloc(0), ...rest] = record;
    const [type = '', mode = '', uid, gid, nlink, size, mtime] = rest.map(String);
    const line: Line = { type: TYPES[type] ?? type, mode, uid: Number(uid), gid: Number(gid) };
    if (type === 'l') line.target = showBytes(record[8] ?? Buffer.alloc(0));
    if (type === 'f') {
      const sha256 = sums.get(path.toString('latin1')) ?? 'none';
      Object.assign(line, { size: Number(size), sha256, nlink: Number(nlink) });
    }
    if (type !== 'd') line.mtime = Number(mtime);
    found.set(showBytes(Buffer.concat([Buffer.from('/'), path])), line);
  }
  return found;
}

/** What two listings say otherwise, by path; of thousands of lines a matcher would show the wrong ones badly. */
export function differences<T>(
  own: ReadonlyMap<string, T>,
  other: ReadonlyMap<string, T>,
): [string, unknown, unknown][] {
  const plain = (value: T | undefined) => (value === undefined ? 'absent' : JSON.parse(JSON.stringify(value)));
  return [...new Set([...own.keys(), ...other.keys()])]
    .map((path): [string, unknown, unknown] => [path, plain(own.get(path)), plain(other.get(path))])
    .filter(([, one, two]) => !isDeepStrictEqual(one, two));
}

/** Attributes as getfattr(1) of the guest dumped them: `PATH NAME` to their bytes in hexadecimal. */
export function kernelXattrs(oracle: ReadonlyMap<string, Buffer>, name: string): Map<string, string> {
  const found = new Map<string, string>();
  let path = '';
  for (const line of (oracle.get(`${name}.xattrs`) ?? Buffer.alloc(0)).toString('latin1').split('\n')) {
    const file = /^# file: \.\/(.*)$/.exec(line)?.[1];
    if (file !== undefined) path = showBytes(Buffer.from(`/${unescapeOctal(file)}`, 'latin1'));
    const [, key, value = ''] = /^([^#=]+)=0x([0-9a-f]*)$/.exec(line) ?? [];
    if (key) found.set(`${path} ${key}`, value);
  }
  return found;
}

/** The same by our own reader. */
export async function ownXattrs(vfs: Vfs): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const walked of walkTree(vfs, await vfs.resolve('/'))) {
    if ('trouble' in walked) throw new Error(walked.trouble.message);
    for (const { name, value } of await walked.node.xattrs()) {
      found.set(`${showBytes(walked.path)} ${name}`, value.toString('hex'));
    }
  }
  return found;
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
