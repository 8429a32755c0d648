import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixturePages } from '../../disk/volume/fixture.ts';
import { richCases } from '../volumes/rich.ts';
import { smallCases } from '../volumes/small.ts';
import { run, type Seed, seedOf } from './seed.ts';
import { stackSeeds } from './stacks.ts';

/** A tree that a small image holds: folders, links, a file in several blocks, many names. */
function plant(tree: string): void {
  mkdirSync(join(tree, 'dir/sub/deep'), { recursive: true });
  for (let i = 0; i < 40; i++) writeFileSync(join(tree, 'dir', `a-name-${i}-${'n'.repeat(i)}`), `${i} `.repeat(i * 30));
  writeFileSync(join(tree, 'large'), Buffer.from(Uint8Array.from({ length: 60_000 }, (_, i) => (i * 31) % 251)));
  linkSync(join(tree, 'large'), join(tree, 'dir/again'));
  symlinkSync('large', join(tree, 'link'));
  symlinkSync(`dir/${'./'.repeat(80)}sub`, join(tree, 'long-link'));
  // A temporary folder need not take attributes.
  for (const [name, value] of [
    ['large', 'v'.repeat(100)],
    ['dir', 'v'.repeat(100)],
    ['dir/sub', 'w'],
  ] as const) {
    run('setfattr', ['-n', 'user.name', '-v', value, join(tree, name)], undefined, [0, 1]);
  }
}

/** Partition tables, volumes and file systems, made by the tools of each format in a folder. */
export function diskSeeds(folder: string): Seed[] {
  const at = (name: string) => join(folder, name);
  const tree = at('tree');
  plant(tree);
  const blank = (name: string, size: number) => {
    writeFileSync(at(name), '');
    truncateSync(at(name), size);
    return at(name);
  };
  const seeds: Seed[] = [];
  const add = (name: string, parser: string, kind = parser) =>
    seeds.push(seedOf(name, parser, kind, readFileSync(at(name))));

  for (const [name, script] of [
    ['gpt', 'label: gpt\nsize=1MiB\nsize=1MiB,type=U\n'],
    ['dos', 'label: dos\nsize=1MiB\ntype=5\nsize=1MiB\nsize=1MiB\n'],
  ] as const) {
    run('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', blank(name, 8 * 2 ** 20)], script);
    add(name, name, 'partitions');
  }
  const mke2fs = (name: string, size: number, features: string, more: string[]) => {
    run('mke2fs', ['-q', '-F', '-b', '1024', '-N', '128', '-O', features, ...more, '-d', tree, blank(name, size)]);
    run('debugfs', ['-w', '-R', 'ea_set large user.key value', at(name)]);
  };
  mke2fs('ext4', 2 ** 21, 'none,extent,filetype,64bit,metadata_csum,ext_attr,dir_index', ['-I', '256']);
  run('e2fsck', ['-fyD', at('ext4')], undefined, [0, 1]);
  add('ext4', 'ext', 'ext4');
  mke2fs('ext4-groups', 2 ** 21, 'none,extent,filetype,uninit_bg,sparse_super,ext_attr,dir_index,ea_inode,meta_bg', [
    ...['-I', '256', '-g', '256'],
  ]);
  writeFileSync(at('acl'), Buffer.from('01000000010007000200070000000000040005001000070020000500', 'hex'));
  writeFileSync(at('value'), 'v'.repeat(5000));
  writeFileSync(
    at('attributes'),
    `ea_set -f ${at('acl')} dir system.posix_acl_access\nea_set -f ${at('value')} large user.long\n`,
  );
  run('debugfs', ['-w', '-f', at('attributes'), at('ext4-groups')]);
  add('ext4-groups', 'ext', 'ext4');
  mke2fs('ext2', 2 ** 21, 'none,filetype,ext_attr', ['-I', '128']);
  add('ext2', 'ext');
  mke2fs('ext4-inline', 2 ** 21, 'none,extent,filetype,64bit,inline_data,ext_attr', ['-I', '512']);
  add('ext4-inline', 'ext');
  mke2fs('ext3-journal', 2 ** 22, 'none,has_journal,filetype,ext_attr', ['-I', '128', '-J', 'size=1']);
  writeFileSync(at('block'), Buffer.alloc(1024, 'j'));
  writeFileSync(at('script'), `jo\njw -b 900 ${at('block')}\njw -b 901 ${at('block')}\njw -r 901\njc\n`);
  run('debugfs', ['-w', '-f', at('script'), at('ext3-journal')]);
  add('ext3-journal', 'ext');
  mke2fs('ext4-journal', 2 ** 22, 'none,has_journal,extent,filetype,64bit,metadata_csum,ext_attr', [
    ...['-I', '256', '-J', 'size=1'],
  ]);
  writeFileSync(at('script'), `jo -c -v 3\njw -b 900 ${at('block')}\njw -b 901 ${at('block')}\njc\n`);
  run('debugfs', ['-w', '-f', at('script'), at('ext4-journal')]);
  add('ext4-journal', 'ext', 'ext4');
  for (const [name, bits, size] of [
    ['fat12', '12', 2 ** 21],
    ['fat16', '16', 2 ** 23],
    ['fat32', '32', 40 * 2 ** 20],
  ] as const) {
    run('mkfs.vfat', ['-F', bits, '-s', '1', '-n', 'LABEL', blank(name, size)]);
    run('mcopy', ['-s', '-i', at(name), join(tree, 'dir'), join(tree, 'large'), '::/']);
    add(name, 'fat');
  }
  const devices = ['block b 644 0 0 8 17', 'character c 600 1 2 1 300'].flatMap((line) => ['-p', line]);
  for (const compression of ['gzip', 'lzo', 'lz4', 'xz', 'zstd']) {
    run('mksquashfs', [
      ...[tree, at(compression), '-quiet', '-no-progress', '-b', '4K', '-comp', compression, ...devices],
    ]);
    add(compression, 'squashfs');
  }
  run('mksquashfs', [tree, at('stored'), '-quiet', '-no-progress', '-b', '4K', '-noI', '-noD', '-noF', '-noX']);
  add('stored', 'squashfs');
  for (const [name, options] of [
    ['iso-rock-ridge', ['-R']],
    ['iso-joliet', ['-J', '--norock']],
  ] as const) {
    run('xorriso', ['-as', 'mkisofs', '-quiet', ...options, '-o', at(name), tree]);
    add(name, 'iso9660');
  }
  writeFileSync(
    at('proto'),
    `/dev/null\n0 0\nd--755 0 0\nlink l--777 0 0 ${'x'.repeat(500)}\ndir d--755 0 0\n${Array.from({ length: 80 }, (_, i) => `a-name-of-some-length-${i} ---644 0 0 ${tree}/large\n`).join('')}$\nsub d--755 0 0\na ---644 0 0 ${tree}/large\n$\n$\n`,
  );
  for (const [name, options] of [
    ['xfs', []],
    ['xfs-v4', ['-m', 'crc=0']],
  ] as const) {
    run('mkfs.xfs', ['-q', '-f', ...options, '-p', at('proto'), blank(name, 310 * 2 ** 20)]);
    // xfs_db sets no attributes in version 4.
    if (name === 'xfs') {
      run('xfs_db', [
        '-x',
        '-c',
        'path /sub/a',
        '-c',
        'attr_set -u -v 3000 large',
        '-c',
        'attr_set -u -v 10 little',
        at(name),
      ]);
    }
    add(name, 'xfs', name);
  }
  for (const sum of ['crc32c', 'xxhash', 'sha256', 'blake2']) {
    const name = `btrfs-${sum}`;
    run('mkfs.btrfs', [
      ...['-q', '-f', '-M', '-n', '4096', '--csum', sum, '--rootdir', tree, blank(name, 128 * 2 ** 20)],
    ]);
    add(name, 'btrfs');
  }
  for (const { name } of richCases) {
    const kind = name.replace(/-rich$/, '');
    seeds.push({ name, parser: kind.replace(/\d|-.*/g, ''), kind, ...fixturePages(name) });
  }
  for (const { name } of smallCases) {
    const kind = name.startsWith('btrfs') ? 'btrfs-devices' : name.startsWith('lvm') ? 'lvm' : 'md';
    const parser = kind === 'btrfs-devices' ? 'btrfs' : kind;
    seeds.push({ name, parser, kind, ...fixturePages(name) });
  }
  writeFileSync(at('key'), 'passphrase');
  const pbkdf2 = ['--pbkdf=pbkdf2', '--pbkdf-force-iterations=1000'];
  for (const [name, options] of [
    ['luks1', ['--type=luks1', ...pbkdf2]],
    ['luks1-essiv', ['--type=luks1', '--cipher=aes-cbc-essiv:sha256', ...pbkdf2]],
    ['luks2', ['--type=luks2', ...pbkdf2]],
    [
      'luks2-argon2',
      [
        ...['--type=luks2', '--pbkdf=argon2id', '--pbkdf-memory=32', '--pbkdf-parallel=1'],
        '--pbkdf-force-iterations=4',
      ],
    ],
  ] as const) {
    run('cryptsetup', ['luksFormat', '-q', ...options, '--key-file', at('key'), blank(name, 18 * 2 ** 20)]);
    add(name, 'luks', 'luks');
  }
  return [...seeds, ...stackSeeds(folder)];
}

/** A Btrfs whose nodes have 64 KiB: one of them holds more references than a list of subvolumes. */
export function wideBtrfs(folder: string): Seed {
  const path = join(folder, 'btrfs-crowded');
  writeFileSync(path, '');
  truncateSync(path, 128 * 2 ** 20);
  run('mkfs.btrfs', ['-q', '-f', '-n', '65536', path]);
  return seedOf('btrfs-crowded', 'btrfs', 'btrfs', readFileSync(path));
}
