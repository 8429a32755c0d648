import { join } from 'node:path';
import { shellQuote } from '../../core/index.ts';
import { findTool, run } from '../../process/index.ts';
import type { PackageList } from '../../schema/index.ts';
import type { BuildContext } from './events.ts';
import type { UnpackedKernel } from './kernel.ts';

/** What makes a root tree out of packages. All of them bring forth the same tree. */
export interface RootInput {
  list: PackageList;
  /** Line of sources.list for the packages. */
  source: string;
  /** Archive of what is put over the packages. */
  overlay: string;
  /** Commands for /bin/sh in the new root. */
  setup: readonly string[];
  /** The kernel of the image, for a way of building that boots it. */
  kernel: UnpackedKernel;
}

export type ChrootMode = 'root' | 'unshare' | 'fakechroot';

const BOOTSTRAP_MS = 1_800_000;

/** Makes the root tree with mmdebstrap and returns the path of its tar archive. */
export async function bootstrapRoot(mode: ChrootMode, input: RootInput, context: BuildContext): Promise<string> {
  const archive = join(context.work, 'root.tar');
  const { list } = input;
  const names = list.packages.filter((p) => p.role === 'root').map((p) => p.name);
  const inRoot = input.setup.map((command) => `--customize-hook=chroot "$1" /bin/sh -ec ${shellQuote(command)}`);
  const tool = findTool('mmdebstrap') ?? 'mmdebstrap';
  const args = [
    `--mode=${mode}`,
    '--variant=essential',
    '--format=tar',
    `--include=${names.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=APT::Sandbox::User "root"',
    // The folders' merge is decided before the first package is unpacked.
    '--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr',
    `--customize-hook=tar-in ${shellQuote(input.overlay)} /`,
    ...inRoot,
    list.suite,
    archive,
    input.source,
  ];
  await run(tool, args, {
    timeout: BOOTSTRAP_MS,
    env: {
      SOURCE_DATE_EPOCH: String(list.sourceDateEpoch),
      LC_ALL: 'C.UTF-8',
      PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
      TMPDIR: context.work,
    },
    onLine: (line) => context.onEvent({ type: 'output', line }),
    ...(context.signal ? { signal: context.signal } : {}),
  });
  return archive;
}
