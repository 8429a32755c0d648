import { chownSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Log, monotonic, pause } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import {
  type Account,
  type ChildExit,
  reapScratch,
  type SupervisedChild,
  scratchFolder,
  spawnSupervised,
  unprivilegedAccount,
} from '../../process/index.ts';
import type { ImageChain, ImageLayer } from '../image/layer.ts';
import type { NbdAddress } from './address.ts';

export interface ExportOptions {
  log: Log;
  /** Persistent bitmaps of the top layer to offer as `qemu:dirty-bitmap:NAME`. */
  bitmaps?: readonly string[];
  signal?: AbortSignal | undefined;
}

/** A running `qemu-nbd`. Disposing of it ends the server and removes its socket. */
export interface NbdExport extends AsyncDisposable {
  address: NbdAddress;
}

const FIRST_FD = 3;
const START = 10_000;
const OTHERS_MAY_READ = 0o004;

/**
 * Exports an audited chain, read-only, each layer with its format said outright and opened by gvm. As root, qemu-nbd runs
 * as `nobody`, or where that account may not read a layer, with no other power than reading it.
 * @throws GvmError `tool-missing`, `nbd-failed` with qemu-nbd's own words; system errors of the folder
 */
export async function exportChain(chain: ImageChain, options: ExportOptions): Promise<NbdExport> {
  reapScratch();
  const scratch = scratchFolder();
  // The outer folder is gvm's, so that a later gvm may remove it; the inner one belongs to who makes the socket in it.
  const folder = join(scratch, 'nbd');
  const discard = () => rmSync(scratch, { recursive: true, force: true });
  try {
    mkdirSync(folder, { mode: 0o700 });
    const account = readingAccount(chain.layers, options.log);
    if (account) chownSync(folder, account.uid, account.gid);
    const child = await spawnSupervised({
      tool: 'qemu-nbd',
      argv: exportArguments(chain, options.bitmaps ?? []),
      files: chain.layers.map((layer, index) => ({ fd: FIRST_FD + index, path: layer.path, flags: 'r' })),
      account,
      cwd: folder,
      log: options.log,
    });
    try {
      await listening(child, join(folder, 's'), options.signal);
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
    return {
      address: { socket: { path: join(folder, 's') }, export: '', tls: false },
      async [Symbol.asyncDispose]() {
        await child[Symbol.asyncDispose]();
        discard();
      },
    };
  } catch (error) {
    discard();
    throw error;
  }
}

/** Arguments of qemu-nbd(8). The descriptors of the layers count from 3, the top one first. */
export function exportArguments({ layers, snapshot }: ImageChain, bitmaps: readonly string[]): string[] {
  const node = (index: number): Record<string, unknown> | null => {
    const layer = layers[index];
    if (!layer) return null;
    const file = { driver: 'file', filename: `/proc/self/fd/${FIRST_FD + index}` };
    // Without a word of it the driver would open what its own header names.
    return layer.format === 'raw' ? { driver: 'raw', file } : { driver: layer.format, file, backing: node(index + 1) };
  };
  // The socket's folder is the working directory: its account may not pass through the folders above it.
  return [
    ...['--read-only', '--persistent', '--shared=16', '--allocation-depth', '--socket=/proc/self/cwd/s'],
    ...bitmaps.flatMap((name) => ['--bitmap', name]),
    // By its id, which is unique; a comma would begin another option.
    ...(snapshot ? [`--load-snapshot=snapshot.id=${snapshot.id.replaceAll(',', ',,')}`] : []),
    `json:${JSON.stringify(node(0))}`,
  ];
}

/** The account that serves the layers. */
function readingAccount(layers: readonly ImageLayer[], log: Log): Account | undefined {
  const account = unprivilegedAccount();
  const closed = account && layers.find((layer) => (statSync(layer.path).mode & OTHERS_MAY_READ) === 0);
  if (!closed) return account;
  log.detail(`${closed.path} is not readable for nobody: qemu-nbd keeps gvm's user, with CAP_DAC_READ_SEARCH alone`);
  return { uid: 0, gid: 0, groups: [], capabilities: ['dac_read_search'] };
}

async function listening(child: SupervisedChild, socket: string, signal: AbortSignal | undefined): Promise<void> {
  let ended: ChildExit | undefined;
  void child.exited.then((exit) => {
    ended = exit;
  });
  const deadline = monotonic() + START;
  // The file is there a moment before anyone listens on it.
  while (!existsSync(socket) || !(await accepts(socket))) {
    if (ended) throw startFailure(ended);
    if (monotonic() > deadline) {
      throw new GvmError({ code: 'nbd-failed', message: `qemu-nbd made no socket within ${START} ms` });
    }
    await pause(5, signal);
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function startFailure({ code, signal, stderr }: ChildExit): GvmError {
  const locked = /Failed to get (shared )?"?(write|consistent read)"? lock/i.test(stderr);
  const said = stderr
    .trim()
    .split('\n')
    .slice(-3)
    .join('; ')
    .replaceAll(/\/proc\/self\/fd\/\d+/g, 'the image');
  return new GvmError({
    code: locked ? 'host-resource' : 'nbd-failed',
    message: `qemu-nbd ended with ${signal ?? `exit code ${code}`}: ${said}`,
    hint: locked ? 'a running guest writes to this image: stop it first' : undefined,
    details: { stderr },
  });
}
