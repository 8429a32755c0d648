import { mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cachePath } from './apt.ts';
import type { RootInput } from './bootstrap.ts';
import { runBuilderGuest } from './builder-guest.ts';
import type { BuildContext } from './events.ts';
import { builderScript } from './guest-script.ts';
import { type TarMember, writeTar } from './tar-write.ts';

// Under emulation dpkg needs ten times as long as on the host.
const GUEST_MS = 3_600_000;
const WORK_BYTES = 3 * 2 ** 30;

/** Makes the root tree in a builder guest: for hosts without root, user namespaces and fakechroot. */
export async function bootstrapInGuest(input: RootInput, context: BuildContext): Promise<string> {
  const folder = join(context.work, 'guest');
  await mkdir(folder);
  const path = (name: string) => join(folder, name);
  await writePieces(path('input'), writeTar(await inputMembers(input, context), input.list.sourceDateEpoch));
  for (const disk of ['work', 'output']) {
    await writeFile(path(disk), '');
    await truncate(path(disk), WORK_BYTES);
  }
  await runBuilderGuest(
    {
      ...{ name: 'guest', kernel: input.kernel, list: input.list, modules: [], script: builderScript },
      disks: [
        { path: path('input'), writable: false },
        { path: path('work'), writable: true },
        { path: path('output'), writable: true },
      ],
      timeout: GUEST_MS,
    },
    context,
  );
  return path('output');
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

async function writePieces(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const piece of pieces) if (piece.length > 0) await file.write(piece);
  } finally {
    await file.close();
  }
}
