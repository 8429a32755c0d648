import { chown, mkdir, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCpio } from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import { moduleName, readModuleIndex, resolveModules } from '../../facts/index.ts';
import { findTool, run, unprivilegedAccount } from '../../process/index.ts';
import { unpackKernel } from '../vmlinux.ts';
import { cachePath } from './apt.ts';
import type { RootInput } from './bootstrap.ts';
import type { BuildContext } from './events.ts';
import { builderScript } from './guest-script.ts';
import { dependencies } from './kernel.ts';
import { type TarMember, writeTar } from './tar-write.ts';

// Under emulation dpkg needs ten times as long as on the host.
const GUEST_MS = 3_600_000;
const WORK_BYTES = 3 * 2 ** 30;
const MODULES = ['crc32c_generic', 'virtio_pci', 'virtio_blk', 'ext4'];

/**
 * Makes the root tree in a guest of its own: for hosts without root, user namespaces and fakechroot. The guest is the
 * image's own kernel with busybox; it has three disks, no network and nothing of the host.
 */
export async function bootstrapInGuest(input: RootInput, context: BuildContext): Promise<string> {
  const folder = join(context.work, 'guest');
  await mkdir(folder);
  const path = (name: string) => join(folder, name);
  const unpacked = await unpackKernel(input.kernel.image, path('kernel'), context.signal);
  const kernel = unpacked ? path('kernel') : input.kernel.image;
  await writeFile(path('initrd'), await guestInitramfs(input, context));
  await writePieces(path('input'), writeTar(await inputMembers(input, context), input.list.sourceDateEpoch));
  for (const disk of ['work', 'output']) {
    await writeFile(path(disk), '');
    await truncate(path(disk), WORK_BYTES);
  }
  const disk = (name: string, writable: boolean) => [
    '-blockdev',
    `driver=raw,node-name=${name},read-only=${writable ? 'off' : 'on'},discard=unmap,file.driver=file,file.filename=${path(name)}`,
    '-device',
    `virtio-blk-pci,drive=${name}`,
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
    ...['-display', 'none', '-serial', 'stdio', '-no-reboot', '-kernel', kernel, '-initrd', path('initrd')],
    ...['-append', 'console=ttyS0 loglevel=4 panic=-1 norandmaps mitigations=off cryptomgr.notests'],
    ...disk('input', false),
    ...disk('work', true),
    ...disk('output', true),
  ];
  const { stdout } = await run('setpriv', [...(await confinement(folder)), ...qemu], {
    timeout: GUEST_MS,
    ...(context.signal ? { signal: context.signal } : {}),
  });
  const said = stdout.split('\n').map((line) => line.trim());
  for (const line of said) context.onEvent({ type: 'output', line });
  if (!said.includes('gvm-builder: done')) {
    throw new GvmError({
      code: 'image-build',
      message: `the builder guest did not finish: ${said.filter(Boolean).slice(-3).join(' / ') || 'it said nothing'}`,
      details: { console: said.slice(-100) },
    });
  }
  return path('output');
}

/** Options of setpriv: QEMU ends with gvm, gains no privileges, and is nobody where gvm is root. */
async function confinement(folder: string): Promise<string[]> {
  const options = ['--pdeathsig', 'KILL', '--no-new-privs'];
  const account = unprivilegedAccount();
  if (!account) return options;
  for (const name of await readdir(folder)) await chown(join(folder, name), account.uid, account.gid);
  return [...options, '--reuid', String(account.uid), '--regid', String(account.gid), '--clear-groups'];
}

async function inputMembers(input: RootInput, context: BuildContext): Promise<TarMember[]> {
  const file = async (path: string, from: string): Promise<TarMember> => ({
    path,
    kind: 'file',
    mode: 0o644,
    bytes: await readFile(from),
  });
  const root = input.list.packages.filter((p) => p.role === 'root');
  return [
    { path: 'debs', kind: 'folder', mode: 0o755 },
    ...(await Promise.all(root.map((entry) => file(`debs/${entry.name}.deb`, cachePath(context, entry))))),
    await file('overlay.tar', input.overlay),
    { path: 'setup', kind: 'folder', mode: 0o755 },
    ...input.setup.map(
      (command, index): TarMember => ({
        path: `setup/${String(index).padStart(3, '0')}`,
        kind: 'file',
        mode: 0o644,
        bytes: Buffer.from(`${command}\n`),
      }),
    ),
  ];
}

async function guestInitramfs(input: RootInput, context: BuildContext): Promise<Uint8Array> {
  const entry = input.list.packages.find((p) => p.name === 'busybox-static');
  if (!entry) {
    throw new GvmError({
      code: 'image-build',
      message: 'the builder guest needs the package busybox-static in the recipe',
    });
  }
  const folder = join(context.work, 'guest-busybox');
  await mkdir(folder);
  await run('dpkg-deb', ['--extract', cachePath(context, entry), folder]);
  const busybox = (await readdir(folder, { recursive: true })).find((path) => /(^|\/)bin\/busybox$/.test(path)) ?? '';
  const tree = input.kernel.tree;
  const files = (await readdir(tree, { recursive: true })).filter((path) => path.endsWith('.ko'));
  const byName = new Map(files.map((path) => [moduleName(path), path]));
  const lines: string[] = [];
  // The package has no modules.dep yet; what a module needs stands in the module.
  const todo = [...MODULES];
  for (let name = todo.pop(); name; name = todo.pop()) {
    const path = byName.get(name);
    if (!path || lines.some((line) => line.startsWith(`${path}:`))) continue;
    const needs = dependencies(await readFile(join(tree, path))).map((need) => byName.get(moduleName(need)) ?? need);
    lines.push(`${path}: ${needs.join(' ')}`);
    todo.push(...needs.map(moduleName));
  }
  const { paths } = resolveModules(readModuleIndex({ dep: lines.join('\n') }), MODULES);
  const modules = await Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(join(tree, path)) })));
  return writeCpio(
    [
      ...['bin', 'dev', 'lib', 'proc', 'root', 'sys'].map((path) => ({ path, kind: 'folder' as const })),
      { path: 'bin/busybox', kind: 'file', mode: 0o755, bytes: await readFile(join(folder, busybox)) },
      { path: 'dev/console', kind: 'device', mode: 0o600, major: 5, minor: 1 },
      { path: 'init', kind: 'file', mode: 0o755, bytes: Buffer.from(builderScript) },
      { path: 'modules', kind: 'file', bytes: Buffer.from(paths.map((p) => `${moduleName(p)}.ko\n`).join('')) },
      ...modules.map(({ path, bytes }) => ({ path: `lib/${moduleName(path)}.ko`, kind: 'file' as const, bytes })),
    ],
    { mtime: input.list.sourceDateEpoch },
  );
}

async function writePieces(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const piece of pieces) if (piece.length > 0) await file.write(piece);
  } finally {
    await file.close();
  }
}
