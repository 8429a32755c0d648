import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { anySignal, type Log, monotonic, ReleaseStack } from '../core/index.ts';
import { HealthWatch, SerialLog } from '../guest/index.ts';
import { buildCommand } from '../machine/index.ts';
import { freezeGuest } from './checkpoint/freeze.ts';
import { ownAddress } from './checkpoint/identity.ts';
import { writing } from './disk-file.ts';
import type { Guest } from './guest.ts';
import { makeGuestFiles } from './guest-files.ts';
import { machineInput } from './hardware.ts';
import { keptGuest } from './kept.ts';
import type { StartGuestOptions } from './lab.ts';
import { Power } from './power.ts';
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
export async function startGuest(given: GuestSpec, place: GuestPlace, options: StartGuestOptions): Promise<Guest> {
  const spec = withOwnAddresses(given);
  const { folder, scale, log, processName } = place;
  const signal = anySignal(place.signal, options.signal);
  signal.throwIfAborted();
  await using onFailure = new ReleaseStack();
  onFailure.defer(() => signal.aborted && place.remove());
  await writing(folder, () => mkdir(folder, { mode: 0o700 }));
  const { files, keyPath } = await makeGuestFiles(spec, folder, processName, signal);
  const command = buildCommand(machineInput(spec, processName, place.accelerator, files));
  const { ram, ...cold } = files;
  const again = ram && buildCommand(machineInput(spec, processName, place.accelerator, cold));
  const began = monotonic();
  const onTrouble = (text: string) => log.warn(text);
  const logs = { rawPath: join(folder, 'console.raw'), logPath: join(folder, 'console.log') };
  const serial = onFailure.use(new SerialLog({ ...logs, began, onTrouble }));
  const health = new HealthWatch();
  serial.onLine((line) => health.push(line));
  const { onProgress } = options;
  const complaints = () => health.findings();
  const power = new Power({ spec, place, command, again, keyPath, serial, complaints, onProgress });
  const life = await power.on(began, { timeout: spec.machine.timeout, signal });
  onFailure.move();
  const { sshMs, readyMs } = life.boot;
  log.detail(`guest ${spec.name} is ready: it answered after ${sshMs} ms, init settled after ${readyMs} ms`);
  return new RunningGuest({
    ...{ spec, processName, argv: [command.binary, ...command.argv], startedAt: began, scale },
    ...{ power, life, serial, health },
    freeze: (to, { machine }, stop) => freezeGuest({ spec, machine, from: folder, to, scale, signal: stop }),
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

/** The addresses of a fork are on its machine as well: there it finds them after each boot of its own. */
function withOwnAddresses(spec: GuestSpec): GuestSpec {
  if (!spec.identity?.includes('mac-addresses')) return spec;
  return { ...spec, macs: spec.machine.networks.map(ownAddress) };
}
