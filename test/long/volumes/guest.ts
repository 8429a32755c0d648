import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { CpioEntry } from '../../../src/disk/index.ts';
import { BUILDER_DONE, builderPrologue, runBuilderGuest } from '../../../src/image/build/builder-guest.ts';
import { debianPackages } from '../../e2e/debian.ts';

/** A disk that a guest makes: a size, and what bash does with it there. `$d` is the disk, `$1` the name of the case. */
export interface DiskCase {
  name: string;
  mib: number;
  script: string;
}

/** What stands on a disk, by the kernel that wrote it. */
export interface MadeDisk {
  path: string;
  /** The files that its script left in `/out`, by name. */
  oracle: Map<string, Buffer>;
}

const KERNEL = 'linux-image-cloud-amd64';
const PACKAGES = [
  ...['busybox-static', 'bash', 'coreutils', 'findutils', 'attr', 'tar', 'fdisk', 'mdadm', 'lvm2', 'dmsetup'],
  ...[
    'cryptsetup-bin',
    'e2fsprogs',
    'btrfs-progs',
    'mount',
    'thin-provisioning-tools',
    'libc6',
    'libtinfo6',
    'libacl1',
  ],
  ...['libattr1', 'libgmp10', 'libselinux1', 'libpcre2-8-0', 'libaio1', 'libblkid1', 'libbsd0', 'libmd0', 'libedit2'],
  ...['libgcrypt20', 'libgpg-error0', 'liblz4-1', 'liblzma5', 'libzstd1', 'libsystemd0', 'libcap2', 'libudev1'],
  ...['libdevmapper1.02.1', 'libdevmapper-event1.02.1', 'libargon2-1', 'libcryptsetup12', 'libjson-c5', 'libpopt0'],
  ...['libssl3', 'libuuid1', 'libext2fs2', 'libcom-err2', 'libss2', 'liblzo2-2', 'zlib1g', 'libfdisk1', 'libmount1'],
  ...['libsmartcols1', 'libreadline8', 'libstdc++6', 'libgcc-s1', 'libexpat1'],
] as const;
const MODULES = [
  ...['dm_mod', 'dm_mirror', 'dm_raid', 'dm_snapshot', 'dm_thin_pool', 'dm_crypt', 'dm_zero'],
  ...['raid0', 'raid1', 'raid10', 'raid456', 'linear', 'ext4', 'btrfs', 'xts', 'essiv', 'cbc', 'sha256_generic'],
  ...['aes_generic', 'aesni_intel', 'algif_skcipher', 'libcrc32c', 'crc32c_generic'],
];
const SKIPPED =
  /^(?:usr\/share|usr\/lib\/(?:systemd|udev|tmpfiles)|lib\/(?:systemd|udev)|etc\/(?:cron|default|init)|boot)/;

const MAKE = `#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DM_DISABLE_UDEV=1
mkdir -p /out /mnt /run/lvm /run/lock/lvm /run/cryptsetup /run/mdadm /etc/lvm /tmp
cat > /etc/lvm/lvm.conf <<'END'
devices { use_devicesfile = 0 scan = [ "/dev" ] filter = [ "r|/dev/ram|", "a|.*|" ] }
activation { udev_sync = 0 udev_rules = 0 verify_udev_operations = 0 monitoring = 0 }
backup { backup = 0 archive = 0 }
global { event_activation = 0 }
END
printf passphrase > /key
# What a kernel can write besides the tree that the host planted.
plant() {
  tar -x --warning=no-timestamp -f /dev/vda -C "$1"
  mkdir "$1/marked"
  mknod "$1/marked/block" b 8 17; mknod "$1/marked/character" c 1 300
  for size in 10 900; do
    echo $size > "$1/marked/$size"
    setfattr -n user.size -v "$(printf "%\${size}s" x)" "$1/marked/$size"
    setfattr -n trusted.mark -v x -h "$1/marked/$size"
  done
}
look() { # NAME FOLDER: what the kernel sees
  ( cd "$2" || exit
    find . -mindepth 1 -printf '%P\\0%y\\0%m\\0%U\\0%G\\0%n\\0%s\\0%Ts\\0%l\\0' > "/out/$1.list"
    find . -type f -printf '%P\\0' | xargs -0 -r sha256sum -z > "/out/$1.sums"
    getfattr -R -h -d -m - -e hex --absolute-names . > "/out/$1.xattrs" 2>/dev/null )
}
full() { # NAME DEVICE: a file system with the tree
  mkfs.ext4 -q -F -b 4096 "$2" && mount -t ext4 "$2" /mnt && plant /mnt && sync -f /mnt && look "$1" /mnt && umount /mnt
}
tiny() { # NAME DEVICE: a file system that is nearly empty
  mke2fs -q -F -b 1024 -N 16 -m 0 -E root_owner=0:0 -L "$1" "$2" && mount -t ext4 "$2" /mnt && rmdir /mnt/lost+found &&
    echo "in $1" > /mnt/name && for i in 1 2 3; do printf "$i%.0s" $(seq 20000) > /mnt/$i; done &&
    sync -f /mnt && look "$1" /mnt && umount /mnt
}
pool() { # PROFILE COUNT: a Btrfs over the first partitions of the disk, mounted
  local all=(); for i in $(seq $2); do all+=(\${d}$i); done
  mkfs.btrfs -q -f -d $1 -m $1 -L pool "\${all[@]}" && btrfs -q device scan "\${all[@]}" && mount -t btrfs -o noatime \${d}1 /mnt
}
parts() { # COUNT: partitions of equal size; the last is what is left
  local size=$(( ($(cat /sys/block/\${d#/dev/}/size) / 2048 - 2) / $1 ))
  { echo 'label: gpt'; for i in $(seq $1); do echo "start=$(( 1 + (i - 1) * size ))MiB, size=\${size}MiB"; done; } |
    sfdisk --quiet $d
}
# A device that was stopped goes away a little later, and would take a new one of its name with it.
stop_md() { mdadm --quiet --stop /dev/md0; for i in $(seq 100); do [ -e /sys/block/md0 ] || return 0; sleep 0.1; done; false; }
md() { mdadm --create --run --force "$@"; mdadm --wait "$1" || true; }
lv() { lvcreate -qq -y -Wn -Zn "$@"; }
wait_lv() { for i in $(seq 600); do [ "$(lvs --noheadings -o copy_percent "$1" | tr -d ' ')" = 100.00 ] && return; sleep 0.1; done; false; }
`;

/** What cases take besides. */
export interface MoreTools {
  packages: readonly string[];
  modules: readonly string[];
  /** Functions of bash. */
  shell: string;
}

/** Runs every case in one guest, and brings back their disks and what its kernel said of them. */
export async function makeDisks(
  folder: string,
  cases: readonly DiskCase[],
  tree: string,
  more: MoreTools = { packages: [], modules: [], shell: '' },
): Promise<Map<string, MadeDisk>> {
  const [kernel = ''] = await debianPackages('amd64', KERNEL);
  const packages = await debianPackages('amd64', ...PACKAGES, ...more.packages);
  const at = (name: string) => join(folder, name);
  const unpack = (deb: string, to: string) => execFileSync('dpkg-deb', ['--extract', deb, to]);
  // As root, gvm runs QEMU as nobody, who must get at the disks.
  chmodSync(folder, 0o711);
  mkdirSync(at('root'));
  for (const deb of packages) unpack(deb, at('root'));
  unpack(kernel, at('kernel'));
  const release = readdirSync(at('kernel/lib/modules'))[0] ?? '';
  execFileSync('tar', ['-c', '-S', '--xattrs', '-f', at('tree.tar'), '-C', tree, '.']);
  pad(at('tree.tar'));
  const blank = (name: string, mib: number) => {
    writeFileSync(at(name), '');
    truncateSync(at(name), mib * 2 ** 20);
    return at(name);
  };
  const letter = (index: number) => String.fromCharCode('a'.charCodeAt(0) + index);
  const steps = cases.map(
    ({ name, script }, index) =>
      `echo "gvm-case: ${name}"\n( set -e; d=/dev/vd${letter(index + 2)}; set -- ${name}\n${script}\n)\n[ $? = 0 ] || { echo "failed: ${name}"; failed=1; }`,
  );
  const files: CpioEntry[] = [
    ...entriesOf(at('root')),
    {
      path: 'make',
      kind: 'file',
      mode: 0o755,
      bytes: Buffer.from(
        `${MAKE}\n${more.shell}\n${steps.join('\n')}\ntar -c -f /dev/vdb -C /out .\nsync\nexit \${failed:-0}\n`,
      ),
    },
  ];
  const script = `${builderPrologue}
/bin/bash /make 2>&1 || fail "a case"
sync
echo "${BUILDER_DONE}"
poweroff -f
`;
  const out = blank('out', 256);
  const disks = cases.map(({ name, mib }) => ({ path: blank(name, mib), writable: true }));
  const entry = { role: 'root', name: 'busybox-static', version: '', arch: 'amd64', sha256: 'busybox' } as const;
  mkdirSync(at('cache'));
  writeFileSync(
    at('cache/busybox.deb'),
    readFileSync(packages.find((path) => basename(path) === 'busybox-static.deb') ?? ''),
  );
  await runBuilderGuest(
    {
      ...{ name: 'guest', modules: [...MODULES, ...more.modules], script, files, timeout: 900_000 },
      kernel: {
        release,
        image: at(`kernel/boot/vmlinuz-${release}`),
        tree: at(`kernel/lib/modules/${release}`),
        members: [],
      },
      list: { suite: 'bookworm', sourceDateEpoch: Math.floor(Date.now() / 1000), packages: [entry] },
      disks: [{ path: at('tree.tar'), writable: false }, { path: out, writable: true }, ...disks],
    },
    { work: folder, packageCache: at('cache'), onEvent: (event) => event.type === 'output' && console.log(event.line) },
  );
  mkdirSync(at('oracle'));
  execFileSync('tar', ['-x', '-f', out, '-C', at('oracle')]);
  const said = readdirSync(at('oracle')).map((name) => [name, readFileSync(join(at('oracle'), name))] as const);
  return new Map(
    cases.map(({ name }) => {
      const own = said.filter(([file]) => file.startsWith(`${name}.`) || file.startsWith(`${name}-`));
      return [name, { path: at(name), oracle: new Map(own) }];
    }),
  );
}

/** A disk is a whole number of sectors. */
function pad(path: string): void {
  const size = readFileSync(path).length;
  truncateSync(path, Math.ceil(size / 512) * 512);
}

function entriesOf(root: string): CpioEntry[] {
  const own = new Set(['bin', 'dev', 'lib', 'proc', 'root', 'sys', 'bin/busybox']);
  const found: CpioEntry[] = [];
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const path = file.slice(root.length + 1);
    if (own.has(path) || SKIPPED.test(path)) continue;
    if (entry.isSymbolicLink()) found.push({ path, kind: 'link', target: readlinkSync(file) });
    else if (entry.isDirectory()) found.push({ path, kind: 'folder' });
    else if (entry.isFile()) found.push({ path, kind: 'file', mode: 0o755, bytes: readFileSync(file) });
  }
  return found.filter(({ path }) => existsSync(join(root, path)) || true);
}
