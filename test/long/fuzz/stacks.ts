import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixtureDisk } from '../../disk/volume/fixture.ts';
import { writeTree } from '../../facts/tree-disk.ts';
import { run, type Seed, seedOf } from './seed.ts';

const MIB = 2 ** 20;

/** Disks on which one thing lies on another: a root that mounts what else there is, and partitions within an array. */
export function stackSeeds(folder: string): Seed[] {
  const at = (name: string) => join(folder, name);
  const ext = (name: string, label: string, files: Record<string, string>) => {
    mkdirSync(at(`${name}-tree`));
    writeTree(at(`${name}-tree`), files);
    writeFileSync(at(name), '');
    truncateSync(at(name), 2 * MIB);
    const features = 'none,extent,filetype,ext_attr';
    run('mke2fs', [
      '-q',
      '-F',
      '-b',
      '1024',
      '-N',
      '64',
      '-O',
      features,
      '-L',
      label,
      '-d',
      at(`${name}-tree`),
      at(name),
    ]);
    return readFileSync(at(name));
  };
  const root = ext('stack-root', 'ROOT', {
    ...Object.fromEntries(['low', 'top', 'merged', 'dos', 'opened', 'more'].map((name) => [`/${name}/`, ''])),
    '/etc/os-release': 'ID=stacked\n',
    '/etc/crypttab': 'opened UUID=0 none luks\n',
    '/etc/fstab': `LABEL=ROOT / ext4 defaults 0 1
/dev/vda2 /low squashfs ro 0 0
LABEL=TOP /top ext4 defaults 0 2
overlay /merged overlay lowerdir=/low,upperdir=/top/upper,workdir=/top/work 0 0
overlay /wrong overlay lowerdir=/absent,upperdir=/top/upper,workdir=/top/work 0 0
overlay /wrong overlay upperdir=/top/upper 0 0
overlay /more overlay userxattr,lowerdir+=/low,lowerdir+=/etc,upperdir=/absent 0 0
/dev/vda4 /dos vfat defaults 0 0
PARTUUID=00000000-0000-0000-0000-000000000001 /absent xfs nofail 0 0
/dev/mapper/opened /opened ext4 defaults 0 0
tmpfs /tmp tmpfs defaults 0 0
/dev/vda5 none swap sw 0 0
`,
  });
  ext('stack-top', 'TOP', {
    '/upper/dir/over': 'over\n',
    '/upper/opaque/own': '',
    '/upper/moved/in/it': '',
    '/upper/copied': '',
    '/work/': '',
  });
  writeFileSync(
    at('marks'),
    `cd /upper
ea_set dir user.name value
ea_set opaque trusted.overlay.opaque y
ea_set moved trusted.overlay.redirect /dir/sub
ea_set moved/in trusted.overlay.redirect deep
ea_set moved trusted.overlay.overlay.name within
ea_set copied trusted.overlay.metacopy x
mknod large c 0 0
`,
  );
  run('debugfs', ['-w', '-f', at('marks'), at('stack-top')]);
  const top = readFileSync(at('stack-top'));
  copyFileSync(at('gzip'), at('stack-low'));
  const disk = Buffer.alloc(12 * MIB);
  for (const [start, bytes] of [
    [1, root],
    [3, readFileSync(at('stack-low'))],
    [4, top],
    [6, readFileSync(at('fat12'))],
  ] as const) {
    bytes.copy(disk, start * MIB);
  }
  writeFileSync(at('stack-mounts'), disk);
  const table =
    'label: gpt\nstart=1MiB,size=2MiB\nstart=3MiB,size=1MiB\nstart=4MiB,size=2MiB\nstart=6MiB,size=2MiB\nsize=1MiB\n';
  run('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', '--wipe=never', at('stack-mounts')], table);

  // Both halves of this mirror begin with their data.
  const array = fixtureDisk('md-1.0-raid1');
  writeFileSync(at('stack-within'), '');
  truncateSync(at('stack-within'), MIB);
  run('sfdisk', ['--quiet', at('stack-within')], 'label: dos\nstart=64,size=200\ntype=5\nsize=100\n');
  for (const start of [1, 3]) readFileSync(at('stack-within')).copy(array, start * MIB);
  // A live disc, whose root is a file on it.
  mkdirSync(at('live-tree/live'), { recursive: true });
  run('mksquashfs', [at('stack-root-tree'), at('live-tree/live/filesystem.squashfs'), '-quiet', '-no-progress']);
  run('xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-o', at('stack-live'), at('live-tree')]);

  // A table of the old kind does not say how large its sectors are.
  const dos = (name: string, sector: number) => {
    const bytes = Buffer.alloc(4 * MIB);
    bytes.set([0, 0, 0, 0, 0x83], 446);
    bytes.writeUInt32LE(MIB / sector, 446 + 8);
    bytes.writeUInt32LE((2 * MIB) / sector, 446 + 12);
    bytes.writeUInt16LE(0xaa55, 510);
    root.copy(bytes, MIB);
    return seedOf(name, 'stack', 'stack', bytes);
  };
  return [
    seedOf('stack-live', 'stack', 'stack', readFileSync(at('stack-live'))),
    dos('stack-dos', 512),
    dos('stack-dos-4096', 4096),
    seedOf('stack-overlay', 'stack', 'stack', readFileSync(at('stack-mounts'))),
    seedOf('stack-array', 'stack', 'stack', array),
  ];
}
