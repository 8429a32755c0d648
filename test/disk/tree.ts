import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { showBytes } from '../../src/core/index.ts';
import { contentOf, type Vfs } from '../../src/disk/vfs.ts';
import { walkTree } from '../../src/disk/walk.ts';

const bytes = (...parts: (string | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));

/** Fills a folder with every kind of entry that an ordinary user can make, `count` of them or a few more. */
export function plantTree(folder: string, count: number): void {
  const at = (name: string) => join(folder, name);
  const odd = [
    bytes('not-utf8-', Buffer.from([0xff, 0xfe, 0x80])),
    bytes('line\nfeed and \x1b[31mcolour'),
    bytes('back\\slash'),
    bytes('grüße-日本-🙂'),
    bytes('x'.repeat(255)),
    bytes(' lead and trail '),
    bytes('__proto__'),
  ];
  mkdirSync(at('odd'));
  for (const name of odd) writeFileSync(bytes(at('odd/'), name), name);
  mkdirSync(at('sizes'));
  for (const size of [0, 1, 59, 60, 61, 100, 150, 511, 1024, 4095, 4096, 4097, 65_536, 300_001, 1_500_000]) {
    writeFileSync(
      at(`sizes/${size}`),
      Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) % 253),
    );
  }
  const sparse = openSync(at('sizes/sparse'), 'w');
  for (const [position, text] of [
    [0, 'begin'],
    [1_000_000, 'middle'],
    [20_000_000, 'far'],
  ] as const) {
    writeSync(sparse, text, position);
  }
  closeSync(sparse);
  writeFileSync(at('sizes/ends-with-a-hole'), 'begin');
  truncateSync(at('sizes/ends-with-a-hole'), 3_000_000);
  mkdirSync(at('links'));
  symlinkSync('short', at('links/fast'));
  symlinkSync(`../${'long/'.repeat(40)}target`, at('links/slow'));
  symlinkSync('y'.repeat(59), at('links/59'));
  symlinkSync('y'.repeat(60), at('links/60'));
  symlinkSync('/etc/passwd', at('links/absolute'));
  writeFileSync(at('links/one'), 'the same inode');
  for (const name of ['two', 'three']) linkSync(at('links/one'), at(`links/${name}`));
  execFileSync('mkfifo', [at('links/fifo')]);
  let deep = at('deep');
  for (let i = 0; i < 40; i++) {
    mkdirSync(deep);
    writeFileSync(join(deep, 'leaf'), `level ${i}`);
    deep = join(deep, `d${i}`);
  }
  mkdirSync(at('modes'));
  for (const mode of [0o4755, 0o2711, 0o1777, 0o000, 0o640]) {
    writeFileSync(at(`modes/${mode.toString(8)}`), 'm');
    chmodSync(at(`modes/${mode.toString(8)}`), mode);
  }
  mkdirSync(at('many'));
  for (let i = 0; i < count; i++) {
    const path = at(`many/file-${i}-${'n'.repeat(i % 40)}`);
    writeFileSync(path, `content of ${i}\n`.repeat(i % 7));
    utimesSync(path, 1_500_000_000 + i, 1_600_000_000 + i);
  }
}

/** One line of a listing: what both sides must say alike. */
export interface Line {
  type: string;
  mode?: string;
  size?: number;
  nlink?: number;
  mtime?: number;
  uid?: number;
  gid?: number;
  target?: string;
  sha256?: string;
}

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

/** The listing of a folder by the kernel of this host. */
export function hostListing(folder: string): Map<string, Line> {
  const found = new Map<string, Line>();
  const visit = (path: Buffer, shown: Buffer) => {
    const stat = lstatSync(path);
    const type = stat.isDirectory()
      ? 'directory'
      : stat.isSymbolicLink()
        ? 'symlink'
        : stat.isFIFO()
          ? 'fifo'
          : stat.isFile()
            ? 'file'
            : 'other';
    const line: Line = { type, mode: (stat.mode & 0o7777).toString(8), uid: stat.uid, gid: stat.gid };
    if (type === 'symlink') line.target = showBytes(readlinkSync(path, 'buffer'));
    if (type === 'file') {
      line.size = stat.size;
      line.sha256 = sha256(readFileSync(path));
      line.nlink = stat.nlink;
    }
    if (type !== 'directory') line.mtime = Math.floor(stat.mtimeMs / 1000);
    found.set(showBytes(shown), line);
    if (type !== 'directory') return;
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      visit(Buffer.concat([path, Buffer.from('/'), name]), Buffer.concat([shown, Buffer.from('/'), name]));
    }
  };
  for (const name of readdirSync(folder, { encoding: 'buffer' })) {
    visit(Buffer.concat([Buffer.from(`${folder}/`), name]), Buffer.concat([Buffer.from('/'), name]));
  }
  return found;
}

/** The same listing by our own reader. Trouble is a line of its own. */
export async function ownListing(vfs: Vfs): Promise<Map<string, Line>> {
  const found = new Map<string, Line>();
  for await (const walked of walkTree(vfs, await vfs.resolve('/'))) {
    const path = showBytes(walked.path);
    if ('trouble' in walked) {
      found.set(path, { type: `trouble: ${walked.trouble.message}` });
      continue;
    }
    const { stat } = walked.node;
    const line: Line = { type: stat.type, mode: stat.mode.toString(8), uid: stat.uid, gid: stat.gid };
    if (stat.type === 'symlink') line.target = showBytes(await walked.node.readlink());
    if (stat.type === 'file') {
      const hash = createHash('sha256');
      for await (const piece of contentOf(walked.node)) hash.update(piece);
      Object.assign(line, { size: stat.size, sha256: hash.digest('hex'), nlink: stat.nlink });
    }
    if (stat.type !== 'directory') line.mtime = stat.mtime.seconds;
    found.set(path, line);
  }
  return found;
}
