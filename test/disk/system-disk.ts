import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { findTool } from '../../src/process/index.ts';

const MIB = 2 ** 20;
const tool = (name: string) => findTool(name) ?? name;

export const UUIDS = {
  disk: '1A2B3C4D-0000-4000-8000-000000000001',
  root: '11111111-2222-4333-8444-000000000002',
  home: '11111111-2222-4333-8444-000000000003',
  homePart: 'AAAAAAAA-2222-4333-8444-000000000003',
};

function ext4(image: string, label: string, uuid: string, tree: string): Buffer {
  writeFileSync(image, '');
  truncateSync(image, 8 * MIB);
  const env = { ...process.env, MKE2FS_CONFIG: '/dev/null' };
  const features = 'none,extent,filetype,64bit,metadata_csum,ext_attr,dir_index,large_file';
  const options = [
    '-q',
    '-F',
    '-b',
    '1024',
    '-I',
    '256',
    '-O',
    features,
    '-L',
    label,
    '-U',
    uuid,
    '-E',
    'root_owner=0:0',
    '-d',
    tree,
  ];
  execFileSync(tool('mke2fs'), [...options, image], { env, stdio: 'pipe' });
  return readFileSync(image);
}

/**
 * A raw disk with a GPT: an EFI partition, a root with an fstab, a separate /home, swap. It is made without privileges in
 * a folder, where it is `system.raw`.
 */
export function makeSystemDisk(folder: string): string {
  const at = (name: string) => join(folder, name);
  mkdirSync(at('root/etc'), { recursive: true });
  for (const name of ['boot/efi', 'home', 'usr/bin', 'var/log']) mkdirSync(at(`root/${name}`), { recursive: true });
  writeFileSync(at('root/etc/os-release'), 'ID=gvmtest\n');
  writeFileSync(at('root/etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
  writeFileSync(
    at('root/etc/fstab'),
    [
      '# what is mounted',
      `UUID=${UUIDS.root} / ext4 defaults 0 1`,
      `PARTUUID=${UUIDS.homePart} /home ext4 noatime 0 2`,
      'LABEL=ESP /boot/efi vfat umask=077 0 0',
      'LABEL=lost\\040one /srv ext4 defaults 0 0',
      '/dev/vda4 none swap sw 0 0',
      'tmpfs /tmp tmpfs size=1G 0 0',
    ].join('\n'),
  );
  symlinkSync('../etc/passwd', at('root/usr/passwd'));
  symlinkSync('/home/user/notes', at('root/notes'));
  writeFileSync(at('root/var/log/odd \x1b[31mname'), 'x');
  mkdirSync(at('homes/user'), { recursive: true });
  writeFileSync(at('homes/user/notes'), 'from the home partition\n');
  writeFileSync(at('esp'), '');
  truncateSync(at('esp'), 2 * MIB);
  execFileSync(tool('mkfs.vfat'), ['-n', 'ESP', '-i', '6776abcd', at('esp')], { stdio: 'pipe' });
  writeFileSync(at('boot.efi'), 'MZ');
  execFileSync('mmd', ['-i', at('esp'), '::/EFI'], { stdio: 'pipe' });
  execFileSync('mcopy', ['-i', at('esp'), at('boot.efi'), '::/EFI/BOOTX64.EFI'], { stdio: 'pipe' });
  const swap = Buffer.alloc(MIB);
  swap.write('SWAPSPACE2', 4086);
  const parts: [number, Buffer][] = [
    [1, readFileSync(at('esp'))],
    [3, ext4(at('root.ext4'), 'root', UUIDS.root, at('root'))],
    [11, ext4(at('home.ext4'), 'home', UUIDS.home, at('homes'))],
    [19, swap],
  ];
  const disk = at('system.raw');
  writeFileSync(disk, '');
  truncateSync(disk, 21 * MIB);
  const script = [
    'label: gpt',
    `label-id: ${UUIDS.disk}`,
    'start=1MiB, size=2MiB, type=U, name=ESP',
    'start=3MiB, size=8MiB, type=L, name=root',
    `start=11MiB, size=8MiB, type=L, uuid=${UUIDS.homePart}`,
    'start=19MiB, size=1MiB, type=S',
  ].join('\n');
  execFileSync(tool('sfdisk'), ['--quiet', '--no-reread', '--no-tell-kernel', disk], { input: script, stdio: 'pipe' });
  const fd = openSync(disk, 'r+');
  for (const [start, bytes] of parts) writeSync(fd, bytes, 0, bytes.length, start * MIB);
  closeSync(fd);
  return disk;
}
