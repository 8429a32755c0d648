import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decompressors } from '../../../src/disk/codec/decompress.ts';
import type { Located, Vfs } from '../../../src/disk/index.ts';
import { walkTree } from '../../../src/disk/index.ts';
import type { Partition } from '../../../src/disk/partition/table.ts';
import { findTool } from '../../../src/process/index.ts';

/** What is said of each path, or of each partition. */
export type Said = Map<string, string>;

interface Oracle {
  /** Undefined where it says nothing, or complains. */
  ask(image: string, ours: Said): Said | undefined;
  /** The same words of one of our files; undefined for what this oracle does not list. */
  say(file: Located): Promise<string | undefined> | string | undefined;
}

function output(tool: string, args: string[], input?: string): string | undefined {
  const env = { ...process.env, MTOOLS_SKIP_CHECK: '1', MTOOLSRC: '/dev/null', LC_ALL: 'C.UTF-8' };
  const options = { encoding: 'latin1', env, input, timeout: 20_000, maxBuffer: 2 ** 26 } as const;
  const { status, stdout, stderr } = spawnSync(findTool(tool) ?? tool, args, options);
  return status === 0 && stderr.replace(/^(debugfs|isoinfo|mdir|\[\d\/\d\]).*\n/gm, '').trim() === ''
    ? stdout
    : undefined;
}

const pathOf = ({ path }: Located) => path.toString('latin1');
const PLAIN = /^[\w:/.~-]*$/;
const octal = (mode: number) => mode.toString(8);
const sha = (bytes: string | Buffer) =>
  createHash('sha256')
    .update(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    .digest('hex');

/** Only regular files have a size of more than 32 bits, for Linux; debugfs shows all bits of all. */
const sizeOf = (kind: string, size: string | number = 0) =>
  kind === 'd' ? '' : kind === '-' ? size : BigInt.asUintN(32, BigInt(size));

/** debugfs(8) lists each folder that we found. */
const debugfs: Oracle = {
  ask(image, ours) {
    const folders = ['/', ...[...ours].filter(([, said]) => said.startsWith('d')).map(([path]) => path)];
    if (folders.some((folder) => /["\n\\ ]/.test(folder))) return undefined;
    const text = output('debugfs', ['-f', '-', image], folders.map((folder) => `ls -p "${folder}"\n`).join(''));
    if (text === undefined) return undefined;
    const said: Said = new Map();
    let folder = '';
    for (const line of text.split('\n')) {
      folder = /^debugfs: ls -p "(.*)"$/.exec(line)?.[1] ?? folder;
      const [, ino, mode = '', uid, gid, name = '', size] = line.split('/');
      if (!line.startsWith('/') || name === '.' || name === '..' || ino === '0') continue;
      const kind = mode.startsWith('04') ? 'd' : mode.startsWith('10') ? '-' : '?';
      said.set(
        `${folder === '/' ? '' : folder}/${name}`,
        `${kind} ${mode.slice(2)} ${Number(uid) >>> 0} ${Number(gid) >>> 0} ${sizeOf(kind, size)}`,
      );
    }
    return said;
  },
  say({ node: { stat } }) {
    const kind = stat.type === 'directory' ? 'd' : stat.type === 'file' ? '-' : '?';
    return `${kind} ${octal(stat.mode).padStart(4, '0')} ${stat.uid} ${stat.gid} ${sizeOf(kind, stat.size)}`;
  },
};

/** unsquashfs(1), its long listing with numbers. */
const unsquashfs: Oracle = {
  ask(image) {
    const text = output('unsquashfs', ['-lln', image]);
    if (text === undefined) return undefined;
    const said: Said = new Map();
    for (const line of text.split('\n')) {
      const found = /^(\S)(\S{9}) (\d+)\/(\d+) +(\d+)(?:, *\d+)? \S+ \S+ squashfs-root(\/.+?)(?: -> .*)?$/.exec(line);
      if (found) said.set(found[6] ?? '', `${found[1]} ${found[3]} ${found[4]} ${found[1] === '-' ? found[5] : ''}`);
    }
    return said;
  },
  say({ node: { stat } }) {
    const letters = { directory: 'd', symlink: 'l', file: '-', block: 'b', character: 'c', fifo: 'p', socket: 's' };
    const letter = stat.type === 'unknown' ? '?' : letters[stat.type];
    return `${letter} ${stat.uid} ${stat.gid} ${letter === '-' ? stat.size : ''}`;
  },
};

/** mtools(1): the names, unless some are not plain, which it changes, and what a file holds. */
const mtools: Oracle = {
  ask(image, ours) {
    if (![...ours.keys()].every((path) => PLAIN.test(path))) return undefined;
    const text = output('mdir', ['-/', '-a', '-b', '-i', image, '::']);
    if (text === undefined) return undefined;
    const paths = text.split('\n').flatMap((line) => (line.startsWith('::/') ? [line.slice(2)] : []));
    const large = output('mtype', ['-i', image, '::/large']);
    return new Map(
      paths.map((path) => [
        path.replace(/\/$/, ''),
        path === '/large' ? sha(large ?? '') : path.endsWith('/') ? 'd' : '-',
      ]),
    );
  },
  async say(file) {
    if (file.node.stat.type === 'directory') return 'd';
    return pathOf(file) === '/large' ? sha(await file.node.read(0, file.node.stat.size)) : '-';
  },
};

/** isoinfo(1): the names; it complains among them. */
const isoinfo: Oracle = {
  ask(image, ours) {
    // A name of Rock Ridge with flags that nobody knows it takes, where Linux, and we, take the plain one.
    if ([...ours.keys()].some((path) => path.includes('/a_name'))) return undefined;
    const lines = output('isoinfo', ['-R', '-f', '-i', image])?.trim().split('\n');
    if (!lines?.every((line) => line.startsWith('/'))) return undefined;
    // A name that is not Rock Ridge's is shown by Linux, and by us, in small letters and without its version.
    return new Map(
      lines.map((line) => [line.replace(/[^/]+;1$/, (name) => name.replace(/\.?;1$/, '').toLowerCase()), '']),
    );
  },
  say: () => '',
};

/** xfs_db(8) lists the root and the folder below. */
const xfsDb: Oracle = {
  ask(image, ours) {
    const said: Said = new Map();
    for (const folder of ['/', '/dir', '/sub']) {
      if (folder !== '/' && !ours.has(folder)) continue;
      const text = output('xfs_db', ['-r', '-c', `ls ${folder}`, image]);
      if (text === undefined || text.includes('(corrupt)')) return undefined;
      for (const line of text.split('\n')) {
        const found = /^\d+\s+(\d+)\s+\S+\s+0x[0-9a-f]+\s+\d+ (.*) \(good\)$/.exec(line);
        const name = found?.[2] ?? '.';
        if (name !== '.' && name !== '..') said.set(`${folder === '/' ? '' : folder}/${name}`, found?.[1] ?? '');
      }
    }
    return said;
  },
  say: (file) => (/^\/(dir\/|sub\/)?[^/]+$/.test(pathOf(file)) ? `${file.node.stat.ino}` : undefined),
};

/** btrfs(8) checks it, then copies all files out; one that is not quite right it does not check. */
const btrfs: Oracle = {
  ask(image) {
    if (output('btrfs', ['-q', 'check', '--readonly', image]) === undefined) return undefined;
    const folder = mkdtempSync(join(tmpdir(), 'gvm-restored-'));
    try {
      if (output('btrfs', ['restore', '-S', image, folder]) === undefined) return undefined;
      const found = readdirSync(folder, { recursive: true, withFileTypes: true });
      return new Map(
        found.map((entry) => {
          const path = join(entry.parentPath, entry.name);
          const said = entry.isDirectory()
            ? 'd'
            : entry.isSymbolicLink()
              ? `l ${readlinkSync(path, 'latin1')}`
              : sha(readFileSync(path));
          return [path.slice(folder.length), said];
        }),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  async say({ node }) {
    if (node.stat.type === 'directory') return 'd';
    if (node.stat.type === 'symlink') return `l ${(await node.readlink()).toString('latin1')}`;
    return sha(await node.read(0, node.stat.size));
  },
};

/** By the name of a sound image. */
export const oracles: Readonly<Record<string, Oracle>> = {
  ext4: debugfs,
  ext2: debugfs,
  'ext4-inline': debugfs,
  gzip: unsquashfs,
  xz: unsquashfs,
  stored: unsquashfs,
  fat12: mtools,
  fat16: mtools,
  'iso-rock-ridge': isoinfo,
  xfs: xfsDb,
  'xfs-v4': xfsDb,
  'btrfs-crc32c': btrfs,
  'btrfs-xxhash': btrfs,
  'btrfs-sha256': btrfs,
  'btrfs-blake2': btrfs,
};

const UNPACK: Readonly<Record<string, readonly string[]>> = {
  'codec-gzip': ['gzip', '-dc'],
  'codec-lzma': ['xz', '-dc', '--format=lzma'],
  'codec-xz': ['xz', '-dc', '--single-stream'],
  'codec-zstd': ['zstd', '-dc'],
};

export const isPacked = (kind: string): boolean => kind in UNPACK;

/** The decompressors' own tools: the sum of all bytes. */
export function unpacked(kind: string, image: string): Said | undefined {
  const [tool = '', ...args] = UNPACK[kind] ?? [];
  const text = output(tool, [...args, image]);
  return text === undefined ? undefined : new Map([['', sha(text)]]);
}

export function ourUnpacked(kind: string, bytes: Buffer): Said | string {
  const found = decompressors[kind.replace('codec-', '') as keyof typeof decompressors](bytes, 2 ** 23);
  return found ? new Map([['', sha(found)]]) : 'damaged';
}

/** What we say of all files, in the words of an oracle; or what is wrong with one of them. */
export async function ourWords(oracle: Oracle, vfs: Vfs): Promise<Said | string> {
  const said: Said = new Map();
  for await (const walked of walkTree(vfs, await vfs.resolve('/'))) {
    if ('trouble' in walked) return walked.trouble.message;
    const words = await oracle.say(walked);
    if (words !== undefined) said.set(pathOf(walked), words);
  }
  return said;
}

export function sfdisk(image: string): Said | undefined {
  const text = output('sfdisk', ['-J', image]);
  // It complains among its answer.
  if (!text?.startsWith('{')) return undefined;
  const { partitions = [] } = JSON.parse(text).partitiontable;
  return new Map(
    // An entry without a sector is none.
    (partitions as { node: string; start: number; size: number; type: string }[])
      .filter(({ size }) => size > 0)
      .map(({ node, start, size, type }) => [node.slice(image.length), `${start} ${size} ${type.toUpperCase()}`]),
  );
}

export function ourPartitions(partitions: readonly Partition[]): Said {
  return new Map(
    partitions.map(({ number, start, size, type }) => [
      `${number}`,
      `${start / 512} ${size / 512} ${type.toUpperCase()}`,
    ]),
  );
}
