import { once } from 'node:events';
import { chownSync, createWriteStream, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { clip, deferred, printable, within } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import { scratchFolder, unprivilegedAccount } from '../process/index.ts';
import type { QmpClient } from './qmp/client.ts';
import type { Machine } from './start.ts';

/** Milliseconds for a state without memory; it has less than a few MB. */
const TIMEOUT = 20_000;

/** The memory stays in its file (it is shared), and the end of a migration is told by an event. */
const CAPABILITIES = [
  { capability: 'x-ignore-shared', state: true },
  { capability: 'events', state: true },
];

/**
 * Stops a guest whose memory is a shared file, and writes the state of its devices. Afterwards memory file and disks
 * hold what belongs to that state, and the guest can only be ended.
 * @param path the new file, mode 0600
 * @throws GvmError `checkpoint-failed`, `qmp-closed`, `deadline`; system errors of the file; the signal's reason
 */
export async function saveState(machine: Machine, path: string, signal?: AbortSignal): Promise<void> {
  const { qmp } = machine;
  const folder = scratchFolder();
  const socket = join(folder, 'state');
  const account = unprivilegedAccount();
  if (account) chownSync(folder, account.uid, account.gid);
  const connected = deferred<Socket>();
  const server = createServer((peer) => connected.resolve(peer));
  try {
    server.listen(socket);
    await once(server, 'listening');
    if (account) chownSync(socket, account.uid, account.gid);
    await qmp.execute('stop', undefined, { signal });
    await qmp.execute('migrate-set-capabilities', { capabilities: CAPABILITIES }, { signal });
    const written = connected.promise.then((peer) =>
      pipeline(peer, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true })),
    );
    written.catch(() => {});
    await settled(qmp, () => qmp.execute('migrate', { uri: `unix:${socket}` }, { signal }), 'saved', signal);
    await written;
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Brings a state into a machine that was started for it and stands still. @throws as `saveState` */
export async function loadState(qmp: QmpClient, fd: number, signal?: AbortSignal): Promise<void> {
  await qmp.execute('migrate-set-capabilities', { capabilities: CAPABILITIES }, { signal });
  await settled(qmp, () => qmp.execute('migrate-incoming', { uri: `fd:${fd}` }, { signal }), 'loaded', signal);
}

/** Begins a migration and waits for its end. */
async function settled(
  qmp: QmpClient,
  begin: () => Promise<unknown>,
  what: string,
  signal?: AbortSignal,
): Promise<void> {
  const ended = deferred<string>();
  const forget = qmp.onEvent(({ name, data }) => {
    if (name === 'MIGRATION' && (data.status === 'completed' || data.status === 'failed')) ended.resolve(data.status);
  });
  try {
    await begin();
    const status = await within(Promise.race([ended.promise, qmp.closed]), TIMEOUT, signal);
    if (status === 'completed') return;
    const { 'error-desc': why } = await qmp.execute('query-migrate').catch(() => ({ 'error-desc': undefined }));
    throw new GvmError({
      code: 'checkpoint-failed',
      message: `the state of the guest could not be ${what}: ${clip(printable(String(why ?? status ?? 'no end in sight')), 300)}`,
    });
  } finally {
    forget();
  }
}
