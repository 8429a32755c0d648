import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatSize, parseBytes, printable } from '../../core/index.ts';
import {
  type Diagnostic,
  type Disk,
  type ImageChain,
  type ImageTree,
  type Layout,
  openChain,
  openDisk,
  openImage,
  openTree,
  readLayout,
} from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import { storedDisk } from '../../image/stored-disk.ts';
import type { Context } from '../command.ts';
import type { OptionName } from '../options.ts';
import { readKeys } from './keys.ts';
import { type Output, openOutput, ReaderGone } from './output.ts';
import { openProgress, type Progress } from './progress.ts';

/** The options of every command that reads a disk. */
export const diskOptions = ['format', 'allow-backing', 'snapshot', 'key-file'] as const satisfies OptionName[];
/** The options of those that read files. */
export const treeOptions = [...diskOptions, 'volume', 'layer'] as const satisfies OptionName[];

export interface Session {
  disk: Disk;
  layout: Layout;
  signal: AbortSignal;
  output: Output;
  /** What is shown meanwhile. */
  progress: Progress;
  /** Says that something is wrong with the disk; the command goes on and ends with 2. */
  trouble(diagnostic: Diagnostic): void;
}

/**
 * Runs what SIGINT and SIGTERM end, and what may lose its reader.
 * @returns its exit code, 130 or 143 after a signal
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  const { signal } = controller;
  // Every read that waits listens to it.
  setMaxListeners(0, signal);
  let interrupted: number | undefined;
  const stop = (name: 'SIGINT' | 'SIGTERM') => {
    interrupted ??= name === 'SIGINT' ? 130 : 143;
    controller.abort(new Error(`interrupted by ${name}`));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    const code = await work(signal);
    return interrupted ?? code;
  } catch (error) {
    if (interrupted !== undefined) return interrupted;
    if (!(error instanceof ReaderGone)) throw error;
    return 0;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** An image that stays open for several commands. */
export interface OpenedImage extends Omit<Session, 'trouble' | 'progress'> {
  tree: ImageTree;
  /** The folder in which one stands. */
  at: Buffer;
}

/** @returns the exit code: 0, 2 after trouble with the disk, 130 or 143 after a signal */
export function onDisk(context: Context, work: (session: Session) => Promise<void>): Promise<number> {
  if (context.opened) return withTrouble(context, context.opened, work);
  return interruptible(async (signal) => {
    await using disk = await openNamed(context, context.words[0] ?? '', signal);
    const output = openOutput(process.stdout);
    const keys = await readKeys(context.texts('key-file'), context.cwd);
    const layout = await readLayout(disk.source, { keys, signal });
    return await withTrouble(context, { disk, layout, signal, output }, work);
  });
}

async function withTrouble(
  context: Context,
  { disk, layout, signal, output }: Omit<Session, 'trouble' | 'progress'>,
  work: (session: Session) => Promise<void>,
): Promise<number> {
  let wrong = false;
  const trouble = (diagnostic: Diagnostic) => {
    wrong = true;
    context.log.warn(printable(diagnostic.message));
  };
  using progress = openProgress(process.stderr, context.verbosity >= 0);
  // On a terminal the lines of the output say it themselves.
  const { count } = output;
  if (!process.stdout.isTTY)
    progress.say(() => (count.bytes > 0 ? formatSize(count.bytes) : count.lines > 0 ? `${count.lines} lines` : ''));
  try {
    await work({ disk, layout, signal, output, progress, trouble });
  } finally {
    await output.flush();
  }
  return wrong ? 2 : 0;
}

/** The same over the files of the image, as `--volume` or its fstab says. */
export function onTree(
  context: Context,
  work: (session: Session & { tree: ImageTree }) => Promise<void>,
): Promise<number> {
  return onDisk(context, async (session) => {
    const which = treeNamed(context);
    const opened = which === undefined ? context.opened?.tree : undefined;
    const tree = opened ?? (await openTree(session.layout, which, session.signal));
    for (const { message } of tree.diagnostics) context.log.detail(printable(message));
    await work({ ...session, tree });
  });
}

/** The volume or the layers that were asked for. */
export function treeNamed(context: Context): string | readonly string[] | undefined {
  const [volume, layers] = [context.text('volume'), context.texts('layer')];
  if (layers.length === 0) return volume;
  if (volume === undefined) return layers;
  throw new GvmError({
    code: 'usage',
    message: '--volume takes one volume alone, so there are no layers: leave one out',
  });
}

/** The second word, a path in the image as output shows it; the root without one. */
export function pathWord(context: Context): Buffer {
  const path = parseBytes(context.words[1] ?? (context.opened ? '.' : '/'));
  return context.opened ? pathIn(context.opened, path) : path;
}

/** A path from where one stands in an opened image. */
export function pathIn({ at }: OpenedImage, path: Buffer): Buffer {
  return path[0] === 0x2f ? path : Buffer.concat([at, Buffer.from('/'), path]);
}

/** An image of the store, a file, or an NBD address. */
export async function openNamed(context: Context, name: string, signal: AbortSignal): Promise<Disk> {
  const chain = await chainNamed(context, name);
  return chain ? openChain(chain, { log: context.log, signal }) : openDisk(name, { log: context.log, signal });
}

/** The audited files of an image of the store, or of a file; undefined for an NBD address. */
export async function chainNamed(context: Context, name: string): Promise<ImageChain | undefined> {
  const snapshot = context.text('snapshot');
  if (name.includes('://')) {
    if (snapshot === undefined) return undefined;
    throw new GvmError({ code: 'usage', message: '--snapshot: an NBD server shows one state of a disk' });
  }
  if (/^[\w.-]+$/.test(name) && !existsSync(resolve(context.cwd, name))) {
    const stored = storedDisk((await context.state()).home, name);
    if (stored) return openImage(stored.path, { format: stored.format, snapshot });
  }
  const allow = context.texts('allow-backing').map((place) => resolve(context.cwd, place));
  return openImage(resolve(context.cwd, name), { format: context.text('format'), allow, snapshot });
}
