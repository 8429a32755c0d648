import { chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CpioEntry, writeCpio } from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import { moduleName, readModuleIndex, resolveModules } from '../../facts/index.ts';
import { findTool, run, unprivilegedAccount } from '../../process/index.ts';
import type { PackageList } from '../../schema/index.ts';
import { unpackKernel } from '../vmlinux.ts';
import { cachePath } from './apt.ts';
import type { BuildContext } from './events.ts';
import { dependencies, type UnpackedKernel } from './kernel.ts';

const MODULES = ['crc32c_generic', 'virtio_pci', 'virtio_blk', 'ext4'];

/** The last line on the console of a builder guest that did its work. */
export const BUILDER_DONE = 'gvm-builder: done';

/** How every `/init` of a builder guest begins; `fail TEXT` ends it. */
export const builderPrologue = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
fail() { echo "gvm-builder: failed: $*"; sync; poweroff -f; }
for module in $(cat /modules); do insmod "/lib/$module" || fail "module $module"; done
`;

export interface BuilderGuest {
  /** A name for its folder. */
  name: string;
  kernel: UnpackedKernel;
  list: PackageList;
  /** Drivers besides those of its disks. */
  modules: readonly string[];
  /** `/init`, for busybox; it begins with `builderPrologue`. */
  script: string;
  /** What its initramfs holds besides. */
  files?: readonly CpioEntry[];
  /** Files, in the order vda, vdb, …; they belong to the guest's account afterwards. */
  disks: readonly { path: string; writable: boolean }[];
  timeout: number;
}

/**
 * Runs a script in a guest of its own, for what needs a kernel or a root account that the host does not give. The guest
 * is the image's own kernel with busybox; it has the disks given, no network and nothing of the host.
 */
export async function runBuilderGuest(guest: BuilderGuest, context: BuildContext): Promise<void> {
  const folder = join(context.work, guest.name);
  await mkdir(folder, { recursive: true });
  const initrd = join(folder, 'initrd');
  const unpacked = await unpackKernel(guest.kernel.image, join(folder, 'kernel'), context.signal);
  const kernel = unpacked ? join(folder, 'kernel') : guest.kernel.image;
  await writeFile(initrd, await guestInitramfs(guest, context));
  const disk = ({ path, writable }: BuilderGuest['disks'][number], index: number) => [
    '-blockdev',
    `driver=raw,node-name=disk${index},read-only=${writable ? 'off' : 'on'},discard=unmap,file.driver=file,file.filename=${path}`,
    '-device',
    `virtio-blk-pci,drive=disk${index}`,
  ];
  const qemu = [
    ...[
      findTool('qemu-system-x86_64') ?? 'qemu-system-x86_64',
      '-nodefaults',
      '-no-user-config',
      '-name',
      'gvm-builder',
    ],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1G'],
    // The times that a file system takes from the clock are the recorded time and the seconds of the build.
    ...['-rtc', `base=${new Date(guest.list.sourceDateEpoch * 1000).toISOString().slice(0, 19)}`],
    ...['-display', 'none', '-serial', 'stdio', '-no-reboot', '-kernel', kernel, '-initrd', initrd],
    ...['-append', 'console=ttyS0 loglevel=4 panic=-1 norandmaps mitigations=off cryptomgr.notests no_timer_check'],
    ...guest.disks.flatMap(disk),
  ];
  const { stdout } = await run(
    'setpriv',
    [...(await confinement([initrd, ...guest.disks.map((d) => d.path)])), ...qemu],
    {
      timeout: guest.timeout,
      ...(context.signal ? { signal: context.signal } : {}),
    },
  );
  const said = stdout.split('\n').map((line) => line.trim());
  for (const line of said) context.onEvent({ type: 'output', line });
  if (!said.includes(BUILDER_DONE)) {
    throw new GvmError({
      code: 'image-build',
      message: `the builder guest did not finish: ${said.filter(Boolean).slice(-3).join(' / ') || 'it said nothing'}`,
      details: { console: said.slice(-100) },
    });
  }
}

/** Options of setpriv: QEMU ends with gvm, gains no privileges, and is nobody where gvm is root. */
async function confinement(files: readonly string[]): Promise<string[]> {
  const options = ['--pdeathsig', 'KILL', '--no-new-privs'];
  const account = unprivilegedAccount();
  if (!account) return options;
  for (const file of files) await chown(file, account.uid, account.gid);
  return [...options, '--reuid', String(account.uid), '--regid', String(account.gid), '--clear-groups'];
}

async function guestInitramfs(input: BuilderGuest, context: BuildContext): Promise<Uint8Array> {
  const entry = input.list.packages.find((p) => p.name === 'busybox-static');
  if (!entry) {
    throw new GvmError({
      code: 'image-build',
      message: 'the builder guest needs the package busybox-static in the recipe',
    });
  }
  const folder = join(context.work, 'guest-busybox');
  await mkdir(folder, { recursive: true });
  await run('dpkg-deb', ['--extract', cachePath(context, entry), folder]);
  const busybox = (await readdir(folder, { recursive: true })).find((path) => /(^|\/)bin\/busybox$/.test(path)) ?? '';
  const tree = input.kernel.tree;
  const files = (await readdir(tree, { recursive: true })).filter((path) => path.endsWith('.ko'));
  const byName = new Map(files.map((path) => [moduleName(path), path]));
  const lines: string[] = [];
  // The package has no modules.dep yet; what a module needs stands in the module.
  const wanted = [...MODULES, ...input.modules];
  const todo = [...wanted];
  for (let name = todo.pop(); name; name = todo.pop()) {
    const path = byName.get(name);
    if (!path || lines.some((line) => line.startsWith(`${path}:`))) continue;
    const needs = dependencies(await readFile(join(tree, path))).map((need) => byName.get(moduleName(need)) ?? need);
    lines.push(`${path}: ${needs.join(' ')}`);
    todo.push(...needs.map(moduleName));
  }
  const { paths } = resolveModules(readModuleIndex({ dep: lines.join('\n') }), wanted);
  const modules = await Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(join(tree, path)) })));
  return writeCpio(
    [
      ...['bin', 'dev', 'lib', 'proc', 'root', 'sys'].map((path) => ({ path, kind: 'folder' as const })),
      { path: 'bin/busybox', kind: 'file', mode: 0o755, bytes: await readFile(join(folder, busybox)) },
      { path: 'dev/console', kind: 'device', mode: 0o600, major: 5, minor: 1 },
      { path: 'init', kind: 'file', mode: 0o755, bytes: Buffer.from(input.script) },
      { path: 'modules', kind: 'file', bytes: Buffer.from(paths.map((p) => `${moduleName(p)}.ko\n`).join('')) },
      ...modules.map(({ path, bytes }) => ({ path: `lib/${moduleName(path)}.ko`, kind: 'file' as const, bytes })),
      ...(input.files ?? []),
    ],
    { mtime: input.list.sourceDateEpoch },
  );
}
