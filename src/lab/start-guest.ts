import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Log, monotonic, ReleaseStack, within } from '../core/index.ts';
import { GvmError, isGvmError } from '../errors/index.ts';
import { HealthWatch, SerialLog } from '../guest/index.ts';
import { buildCommand, type Machine, startMachine } from '../machine/index.ts';
import type { BootRecord } from '../schema/index.ts';
import { type BootContext, bootFailed, bootTimeout, guestLost } from './boot-error.ts';
import { BootWatch } from './boot-watch.ts';
import { writing } from './disk-file.ts';
import type { Guest } from './guest.ts';
import { makeGuestFiles } from './guest-files.ts';
import { machineInput } from './hardware.ts';
import { keptGuest } from './kept.ts';
import type { StartGuestOptions } from './lab.ts';
import { becomeReady, type ReadyGuest } from './readiness.ts';
import { RunningGuest } from './running-guest.ts';
import type { GuestSpec } from './spec.ts';

/** What a lab gives each of its guests. */
export interface GuestPlace {
  /** `gvm-RUN-GUEST` */
  processName: string;
  /** The guest's own folder, not yet made. */
  folder: string;
  /** Where records of QEMU processes go. */
  records: string;
  accelerator: 'kvm' | 'tcg';
  scale: number;
  log: Log;
  signal: AbortSignal;
  /** Told of QEMU's process as soon as there is one. */
  onProcess: (pid: number) => void;
  /** Removes the guest's folder, unless it is kept. */
  remove: () => void;
  keep: () => void;
}

/**
 * Starts a guest and waits until it is ready. Whatever goes wrong, nothing of it runs afterwards; its folder stays with
 * the lab, because the console log is in it, unless the caller gave up.
 */
export async function startGuest(spec: GuestSpec, place: GuestPlace, options: StartGuestOptions): Promise<Guest> {
  const { folder, scale, log, processName } = place;
  const signal = options.signal ? AbortSignal.any([place.signal, options.signal]) : place.signal;
  signal.throwIfAborted();
  await using onFailure = new ReleaseStack();
  onFailure.defer(() => signal.aborted && place.remove());
  await writing(folder, () => mkdir(folder, { mode: 0o700 }));
  const { files, keyPath } = await makeGuestFiles(spec, folder, processName, signal);
  const command = buildCommand(machineInput(spec, processName, place.accelerator, files));
  const consoleLog = join(folder, 'console.log');
  const began = monotonic();
  const onTrouble = (text: string) => log.warn(text);
  const serial = onFailure.use(
    new SerialLog({ rawPath: join(folder, 'console.raw'), logPath: consoleLog, began, onTrouble }),
  );
  const health = new HealthWatch();
  serial.onLine((line) => health.push(line));
  const watch = new BootWatch({ serial, began, scale, onProgress: options.onProgress });
  onFailure.defer(() => watch.ready());
  const beforeGuest = (starting: Machine) => {
    place.onProcess(starting.pid);
    serial.attach(starting.serial);
    watch.attach(starting);
    watch.enter('firmware');
  };
  const machine = onFailure.use(await startMachine(command, { log, signal, recordDir: place.records, beforeGuest }));
  const context = { guest: spec.name, console: consoleLog, stages: watch.stages };
  const ready = await raceReadiness({ spec, machine, watch, keyPath, scale, began, signal, context });
  watch.ready();
  onFailure.move();
  const boot: BootRecord = {
    outcome: 'ready',
    sshMs: Math.round(ready.answeredAt - began),
    readyMs: Math.round(ready.settledAt - began),
    stages: watch.stages,
  };
  log.detail(`guest ${spec.name} is ready: SSH after ${boot.sshMs} ms, init settled after ${boot.readyMs} ms`);
  return new RunningGuest({
    ...{ spec, processName, argv: [command.binary, ...command.argv], startedAt: began, boot, ssh: ready.address },
    ...{ scale, machine, channel: ready.channel, serial, health, consoleLog },
    lost: watch.lost.then((loss) => guestLost(loss, context)),
    release: async () => {
      await serial[Symbol.asyncDispose]();
      place.remove();
    },
    keep: () => {
      place.keep();
      return keptGuest(spec, folder);
    },
  });
}

interface Race {
  spec: GuestSpec;
  machine: Machine;
  watch: BootWatch;
  keyPath: string;
  scale: number;
  began: number;
  signal: AbortSignal;
  context: BootContext;
}

/** The first of: ready, no hope any more, the deadline, the caller's signal. */
async function raceReadiness({ context, began, ...race }: Race): Promise<ReadyGuest> {
  const { spec, watch, scale, signal } = race;
  const { timeout } = spec.machine;
  const stop = new AbortController();
  let state = '';
  const onState = (now: string) => {
    state = now;
  };
  const attempt = becomeReady({ ...race, onState, signal: AbortSignal.any([signal, stop.signal]) });
  const lost = watch.lost.then((loss) => Promise.reject(bootFailed(loss, context)));
  try {
    const left = timeout * scale - (monotonic() - began);
    const ready = await within(Promise.race([attempt, lost]), Math.max(0, left), signal);
    if (ready) return ready;
    throw bootTimeout(timeout, scale, state || watch.lastSeen(), { ...context, stage: watch.stage });
  } catch (error) {
    signal.throwIfAborted();
    throw isGvmError(error) && error.code === 'login-refused' ? refused(error, context) : error;
  } finally {
    stop.abort(new Error('the wait for the guest is over'));
    attempt.catch(() => {});
  }
}

/** A login that was refused, with what is known of the boot. */
function refused(error: GvmError, { guest, console, stages }: BootContext): GvmError {
  const { code, message, hint, cause } = error;
  const record: BootRecord = { outcome: 'failed', stage: 'ssh', cause: code, blame: 'guest', message, stages };
  return new GvmError({
    code,
    message: `guest ${guest}: ${message}`,
    hint,
    details: { ...record, guest, console },
    cause,
  });
}
