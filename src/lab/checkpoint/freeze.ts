import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { monotonic, pause } from '../../core/index.ts';
import { type Machine, saveState } from '../../machine/index.ts';
import type { GuestSpec } from '../spec.ts';
import { checkpointFiles } from './checkpoint.ts';

/** Milliseconds, before scaling, that the guest may take to see the end of gvm's own connection. */
const HANG_UP = 3000;
const LOOK = 50;

export interface FreezeOptions {
  spec: GuestSpec;
  machine: Machine;
  /** The guest's own folder, and the empty one that its files go to. */
  from: string;
  to: string;
  scale: number;
  signal: AbortSignal;
}

/**
 * Stops a guest for good and leaves what its forks go on from. gvm's connection into it must be closed.
 * @throws GvmError `checkpoint-failed`, `disk-full`; or the signal's reason
 */
export async function freezeGuest({ spec, machine, from, to, scale, signal }: FreezeOptions): Promise<void> {
  await hungUp(machine, HANG_UP * scale, signal);
  await saveState(machine, join(to, checkpointFiles.state), signal);
  await machine.kill();
  const { memory, key, seed, vars, system, disk } = checkpointFiles;
  const disks = spec.machine.disks.map((_, index) => disk(index));
  const files = [memory, key, seed, system, ...disks, ...(spec.boot.firmware === 'uefi' ? [vars] : [])];
  for (const file of files) await rename(join(from, file), join(to, file));
}

/**
 * A connection that the guest has a part in, as `info usernet` names its state. One in TIME_WAIT is over for the guest, and
 * one in SYN_SENT, of a time when it did not answer yet, is not known to a fork's QEMU, which knocks no more.
 */
const OPEN = /^\s*TCP\[(?:ESTABLISHED|FIN_WAIT_[12]|CLOSE_WAIT|CLOSING|LAST_ACK)\]/m;

/** Waits until the guest has closed its end of every connection: a fork would wake up with a dead one. */
async function hungUp(machine: Machine, limit: number, signal: AbortSignal): Promise<void> {
  const deadline = monotonic() + limit;
  for (;;) {
    const text = await machine.qmp.execute('human-monitor-command', { 'command-line': 'info usernet' }, { signal });
    if (!OPEN.test(text) || monotonic() > deadline) return;
    await pause(LOOK, signal);
  }
}
