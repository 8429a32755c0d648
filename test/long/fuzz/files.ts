import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { decompressors, writeCpio } from '../../../src/disk/index.ts';
import { writeJournal } from '../../facts/journal-writer.ts';
import { rpmHeaders, rpmNdb, rpmSqlite, rpmWal } from '../../facts/rpm-writer.ts';
import { type Files, writeTree } from '../../facts/tree-disk.ts';
import { gentooRoot } from '../../inspect/gentoo.ts';
import { debianRoot, otherRoots } from './roots.ts';
import { run, type Seed, seedOf } from './seed.ts';

const text = Buffer.from(Array.from({ length: 900 }, (_, i) => `line ${i % 37} of a text that repeats\n`).join(''));
/** What an x86 filter changes: calls, with near and far targets. */
const calls = Buffer.concat(
  Array.from({ length: 400 }, (_, i) => Buffer.from([0xe8, i, i >> 8, 0, i % 3 ? 0 : 0xff, 7])),
);

/** Headers of images, compressed pieces, archives, databases, and the files of whole systems. */
export function fileSeeds(folder: string, squashed: ReadonlyMap<string, Buffer>): Seed[] {
  return [...headers(folder), ...pieces(squashed), ...archives(), ...databases(), ...systems(folder)];
}

/** A disk in several files, some of which are those of others. */
const DESCRIPTOR = `# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="twoGbMaxExtentSparse"
RW 8 ZERO
RW 16 FLAT "base.raw" 4
RW 2048 SPARSE "vmdk-parts-s001.vmdk"
RW 99999 FLAT "base.raw" 0
`;

/** A stream as VMware writes it: its header leaves the directory to the footer. */
function withFooter(stream: Buffer): Buffer {
  const head = Buffer.from(stream);
  const footer = Buffer.from(stream.subarray(0, 512));
  head.writeBigUInt64LE(2n ** 64n - 1n, 56);
  return Buffer.concat([head, footer, Buffer.alloc(512)]);
}

function headers(folder: string): Seed[] {
  const at = (name: string) => join(folder, name);
  writeFileSync(at('base.raw'), '');
  truncateSync(at('base.raw'), 2 ** 20);
  const made = (name: string, options: string, more: string[] = []) => {
    run('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', options, ...more, at(name), '1M']);
    run('qemu-io', ['-c', 'write -P 1 0 20k', '-c', 'write -c -P 2 128k 64k', '-c', 'write -z 512k 64k', at(name)]);
    return seedOf(name, 'qcow2', 'qcow2', readFileSync(at(name)));
  };
  const seeds = [
    made('qcow2-v2', 'compat=0.10,cluster_size=4096'),
    made('qcow2-backed', 'cluster_size=65536', ['-b', 'base.raw', '-F', 'raw']),
  ];
  run('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', 'extended_l2=on,cluster_size=16384', at('qcow2-sub'), '1M']);
  run('qemu-io', ['-c', 'write -P 1 0 2k', at('qcow2-sub')]);
  run('qemu-img', ['snapshot', '-c', 'before', at('qcow2-sub')]);
  seeds.push(seedOf('qcow2-sub', 'qcow2', 'qcow2', readFileSync(at('qcow2-sub'))));
  // What must not be followed.
  for (const [name, options] of [
    ['qcow2-json', ['-u', '-b', 'json:{"driver":"null-co"}', '-F', 'raw']],
    ['qcow2-outside', ['-u', '-b', '/etc/hostname', '-F', 'raw']],
    ['qcow2-absent', ['-u', '-b', 'absent.raw', '-F', 'raw']],
    ['qcow2-unlike', ['-u', '-b', 'base.raw', '-F', 'qcow2']],
    ['qcow2-data', ['-o', `data_file=${at('data')}`]],
    ['qcow2-over-flat', ['-u', '-b', 'vmdk-flat.vmdk', '-F', 'vmdk']],
    ['qcow2-over-qcow2', ['-u', '-b', 'qcow2-v2', '-F', 'qcow2']],
  ] as const) {
    run('qemu-img', ['create', '-q', '-f', 'qcow2', ...options, at(name), '1M']);
    seeds.push(seedOf(name, 'qcow2', 'qcow2', readFileSync(at(name))));
  }
  for (const [name, format, options] of [
    ['vmdk', 'vmdk', 'subformat=monolithicSparse'],
    ['vmdk-zeroed', 'vmdk', 'subformat=monolithicSparse,zeroed_grain=on'],
    ['vmdk-stream', 'vmdk', 'subformat=streamOptimized'],
    ['vmdk-parts', 'vmdk', 'subformat=twoGbMaxExtentSparse'],
    ['vmdk-flat', 'vmdk', 'subformat=monolithicFlat'],
    ['vhdx', 'vhdx', 'subformat=dynamic,block_size=1M'],
    ['vhdx-fixed', 'vhdx', 'subformat=fixed,block_size=1M'],
    ['vpc', 'vpc', 'subformat=dynamic'],
    ['vpc-fixed', 'vpc', 'subformat=fixed'],
    ['vdi', 'vdi', 'static=off'],
    ['vdi-static', 'vdi', 'static=on'],
  ] as const) {
    // The extents of a disk in parts keep their names, and so are found by its mutants.
    run('qemu-img', ['convert', '-O', format, '-o', options, at('qcow2-v2'), at(`${name}.${format}`)]);
    seeds.push(seedOf(name, format, format, readFileSync(at(`${name}.${format}`))));
  }
  seeds.push(
    seedOf('vmdk-footer', 'vmdk', 'vmdk', withFooter(readFileSync(at('vmdk-stream.vmdk')))),
    seedOf('vmdk-extents', 'vmdk', 'vmdk', Buffer.from(DESCRIPTOR)),
    seedOf('raw', 'images', 'raw', readFileSync(at('qcow2-v2')).subarray(0, 4096)),
  );
  run('qemu-img', ['create', '-q', '-f', 'vmdk', '-b', 'vmdk.vmdk', '-F', 'vmdk', at('vmdk-over.vmdk')]);
  seeds.push(seedOf('vmdk-over', 'vmdk', 'vmdk', readFileSync(at('vmdk-over.vmdk'))));
  return seeds;
}

/** LZ4 and LZO come without a head, as the first block of a squashfs has them; where and how long only trying tells. */
function firstBlock(name: 'lz4' | 'lzo', image: Buffer): Buffer {
  for (let from = 96; from < 128; from++) {
    for (let to = from + 16; to < from + 4096; to++) {
      const piece = image.subarray(from, to);
      if ((decompressors[name](piece, 4096)?.length ?? 0) > 1000) return Buffer.from(piece);
    }
  }
  throw new Error(`no block of ${name} at the beginning of its squashfs`);
}

function pieces(squashed: ReadonlyMap<string, Buffer>): Seed[] {
  const piped = (tool: string, args: string[], input: Buffer) => execFileSync(tool, args, { input });
  const xz = (check: string) => piped('xz', ['-c', `--check=${check}`], text);
  const made: [name: keyof typeof decompressors, variant: string, bytes: Buffer][] = [
    ['zlib', '', deflateSync(text)],
    ['gzip', '', piped('gzip', ['-c'], text)],
    ['lzma', '', piped('xz', ['-c', '--format=lzma'], text)],
    ['xz', '-crc64', xz('crc64')],
    ['xz', '-sha256', xz('sha256')],
    ['xz', '-x86', piped('xz', ['-c', '--check=crc32', '--x86', '--lzma2=lc=1,lp=2,pb=0'], calls)],
    ['zstd', '', piped('zstd', ['-c'], text)],
    ['zstd', '-small', piped('zstd', ['-c', '--stream-size=100'], text.subarray(0, 100))],
    ['zstd', '-large', piped('zstd', ['-c'], Buffer.alloc(3 * 2 ** 20, text))],
    ['lz4', '', firstBlock('lz4', squashed.get('lz4') ?? Buffer.alloc(0))],
    ['lzo', '', firstBlock('lzo', squashed.get('lzo') ?? Buffer.alloc(0))],
  ];
  return made.map(([name, variant, bytes]) => seedOf(`codec-${name}${variant}`, name, `codec-${name}`, bytes));
}

function archives(): Seed[] {
  const entries = Array.from({ length: 30 }, (_, i) => ({
    path: `dir/${i}`,
    kind: 'file' as const,
    bytes: Buffer.alloc(i * 10, 'c'),
  }));
  const cpio = Buffer.from(writeCpio([{ path: 'dir', kind: 'folder' }, ...entries], { mtime: 1 }));
  const packed = (
    [
      ['gzip', '-c'],
      ['xz', '-c'],
      ['xz', '-c', '--format=lzma'],
      ['zstd', '-c'],
      ['lz4', '-l', '-c'],
    ] as const
  ).map(([tool, ...args], i) => [`cpio-${tool}-${i}`, execFileSync(tool, args, { input: cpio })] as const);
  const early = Buffer.concat([cpio, Buffer.alloc(512), packed[0]?.[1] ?? cpio]);
  return [['cpio', cpio] as const, ['cpio-early', early] as const, ...packed].map(([name, bytes]) =>
    seedOf(name, 'cpio', 'cpio', bytes),
  );
}

const lines = Array.from({ length: 20 }, (_, i) => ({
  boot: (i < 5 ? 'b' : 'a').repeat(32),
  realtime: 1_790_000_000_000_000n + BigInt(i),
  fields: { MESSAGE: `line ${i} ${'x'.repeat(i * 30)}`, _COMM: 'sshd', PRIORITY: `${i % 8}` },
}));

function databases(): Seed[] {
  const sqlite = rpmSqlite();
  const blobs = rpmHeaders(sqlite);
  return [
    seedOf('rpm-sqlite', 'rpm', 'rpm-sqlite', sqlite),
    seedOf('rpm-wal', 'rpm', 'rpm-wal', Buffer.concat([sqlite, rpmWal(sqlite)])),
    seedOf('rpm-ndb', 'rpm', 'rpm-ndb', rpmNdb(blobs)),
    seedOf('journal', 'journal', 'journal', writeJournal(lines)),
    seedOf('journal-compact', 'journal', 'journal', writeJournal(lines, { compact: true })),
    seedOf('journal-zstd', 'journal', 'journal', writeJournal(lines, { zstd: true })),
  ];
}

/** A file system without checksums, so that what changes in a file reaches the reader of that file. */
function systems(folder: string): Seed[] {
  const roots: [name: string, files: Files][] = [
    ['gentoo', { ...gentooRoot, '/var/log/journal/x/system.journal': writeJournal(lines) }],
    ['debian', debianRoot],
    ...Object.entries(otherRoots(rpmSqlite())),
  ];
  return roots.map(([name, files]) => systemSeed(folder, `system-${name}`, files, 4));
}

function systemSeed(folder: string, name: string, files: Files, mib: number): Seed {
  const root = join(folder, `root-${name}`);
  const image = join(folder, `root-${name}.raw`);
  mkdirSync(root);
  writeTree(root, files);
  writeFileSync(image, '');
  truncateSync(image, mib * 2 ** 20);
  chmodSync(join(root, 'etc/passwd'), 0o4777);
  run('mke2fs', ['-q', '-F', '-b', '1024', '-I', '128', '-O', 'none,extent,filetype,ext_attr', '-d', root, image]);
  const capability = join(folder, 'capability');
  writeFileSync(capability, Buffer.from('0100000200200000000400000000000000000000', 'hex'));
  run('debugfs', ['-w', '-R', `ea_set -f ${capability} /etc/os-release security.capability`, image]);
  return seedOf(name, 'system', 'inspection', readFileSync(image));
}

/** A root with more of everything than an inspection takes. */
export function crowdedRoot(folder: string): Seed {
  const many = (count: number, path: (i: number) => string, content: (i: number) => string | Buffer) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [path(i), content(i)]));
  const members = Array.from({ length: 200_001 }, (_, i) => ({ path: `${i}`, kind: 'folder' as const }));
  const files = {
    ...debianRoot,
    ...many(
      70,
      (i) => `/var/log/journal/x/${i}.journal`,
      () => writeJournal(lines.slice(0, 1)),
    ),
    ...many(
      210,
      (i) => `/boot/efi/EFI/x/${i}.efi`,
      () => 'MZ',
    ),
    '/boot/initrd.img-6.1.0': gzipSync(writeCpio(members, { mtime: 1 })),
  };
  return systemSeed(folder, 'system-crowded', files, 16);
}
