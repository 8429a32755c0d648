import { join } from 'node:path';
import { anySignal, type Log } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import { type AcceleratorChoice, hostArchitecture } from '../host/index.ts';
import { isSameProcess, type ProcessIdentity, processIdentity } from '../process/index.ts';
import type { BootProgress, Guest, KeptGuest } from './guest.ts';
import { keptGuest } from './kept.ts';
import type { Ownership } from './ownership.ts';
import { createRunFolders, type RunFolders, reapRuns, removeGuestFolder, removeRunFolders } from './run-folder.ts';
import type { GuestSpec } from './spec.ts';
import { startGuest } from './start-guest.ts';

export interface LabOptions {
  /** State folder for what survives: overlays, logs. */
  home: string;
  /** State folder for sockets and pid files. */
  runtime: string;
  log: Log;
  accelerator: Pick<AcceleratorChoice, 'name' | 'reason' | 'scale' | 'emulatedScale'>;
  ownership?: Ownership;
}

export interface StartGuestOptions {
  signal?: AbortSignal;
  onProgress?: (progress: BootProgress) => void;
}

/** The guests of one process. Disposing of it kills them and removes everything that belongs to the run. */
export interface Lab extends AsyncDisposable {
  /** The run's name, part of every process name and folder. */
  readonly run: string;
  /** Folder of the run's sockets and records. */
  readonly folder: string;
  /** Where `serveBroker` should listen. */
  readonly brokerPath: string;
  readonly accelerator: AcceleratorChoice['name'];
  /** Where `serveChannels` should listen. */
  readonly channelsPath: string;
  /** Where `serveConsoles` should listen. */
  readonly consolesPath: string;
  readonly scale: number;
  readonly guests: readonly Guest[];
  /**
   * Boots a guest and waits until it is ready.
   * @throws GvmError `boot-failed` or `boot-timeout` (details: a BootRecord, and where the console log is),
   * `login-refused`, `qemu-start`, `disk-full`, or the signal's reason. The console log of a failed guest stays until
   * the lab is disposed of.
   */
  start(spec: GuestSpec, options?: StartGuestOptions): Promise<Guest>;
  /** Keeps the folder of a guest, one that failed to boot included, beyond the lab. */
  keep(spec: GuestSpec): KeptGuest;
}

/**
 * Opens a lab: reaps what killed owners left, and makes the folders of a new run.
 * @throws GvmError `disk-full` or `host-resource` where the folders cannot be made
 */
export async function openLab(options: LabOptions): Promise<Lab> {
  const { home, runtime, log } = options;
  await reapRuns({ home, runtime }, log);
  return new LocalLab(options, createRunFolders({ home, runtime }));
}

class LocalLab implements Lab {
  readonly run: string;
  readonly folder: string;
  readonly brokerPath: string;
  readonly accelerator: AcceleratorChoice['name'];
  readonly channelsPath: string;
  readonly consolesPath: string;
  readonly scale: number;
  readonly #options: LabOptions;
  readonly #folders: RunFolders;
  readonly #guests = new Map<string, Guest>();
  readonly #starting = new Set<Promise<unknown>>();
  readonly #names = new Set<string>();
  readonly #kept = new Set<string>();
  readonly #processes: ProcessIdentity[] = [];
  readonly #closing = new AbortController();
  readonly #forget: () => void;
  #disposal: Promise<void> | undefined;

  constructor(options: LabOptions, folders: RunFolders) {
    this.#options = options;
    this.#folders = folders;
    this.run = folders.run;
    this.folder = folders.runtime;
    this.brokerPath = folders.broker;
    this.accelerator = options.accelerator.name;
    this.channelsPath = folders.channels;
    this.consolesPath = folders.consoles;
    this.scale = options.accelerator.scale;
    this.#forget = options.ownership?.atOnce(() => this.#releaseAtOnce()) ?? (() => {});
  }

  get guests(): readonly Guest[] {
    return [...this.#guests.values()];
  }

  async start(spec: GuestSpec, options: StartGuestOptions = {}): Promise<Guest> {
    const { log, accelerator, ownership } = this.#options;
    this.#claim(spec.name);
    const starting = startGuest(
      spec,
      {
        processName: `gvm-${this.run}-${spec.name}`,
        folder: join(this.#folders.guests, spec.name),
        records: this.#folders.children,
        ...(spec.machine.arch === hostArchitecture
          ? { accelerator: accelerator.name, scale: this.scale }
          : { accelerator: 'tcg', scale: accelerator.emulatedScale }),
        log,
        signal: anySignal(this.#closing.signal, ownership?.signal),
        onProcess: (pid) => this.#processes.push(...[processIdentity(pid)].filter((p) => p !== undefined)),
        remove: () => this.#remove(spec.name),
        keep: () => this.#kept.add(spec.name),
      },
      options,
    );
    this.#starting.add(starting);
    try {
      const guest = await starting;
      this.#guests.set(spec.name, guest);
      return guest;
    } finally {
      this.#starting.delete(starting);
    }
  }

  keep(spec: GuestSpec): KeptGuest {
    this.#kept.add(spec.name);
    return keptGuest(spec, join(this.#folders.guests, spec.name));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#closing.abort(new Error('the lab was closed'));
    await Promise.allSettled([...this.#starting]);
    await Promise.allSettled(this.guests.map((guest) => guest[Symbol.asyncDispose]()));
    removeRunFolders(this.#folders, [...this.#kept]);
    this.#forget();
  }

  #claim(name: string): void {
    if (this.#closing.signal.aborted) throw new GvmError({ code: 'internal', message: 'the lab is closed' });
    if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(name)) {
      throw new GvmError({
        code: 'usage',
        message: `${name} is not fit as the name of a guest`,
        hint: 'letters, digits and -, at most 63',
      });
    }
    if (this.#names.has(name))
      throw new GvmError({ code: 'usage', message: `there is a guest called ${name} already` });
    this.#names.add(name);
  }

  #remove(name: string): void {
    this.#guests.delete(name);
    if (this.#kept.has(name)) return;
    removeGuestFolder(this.#folders, name);
    this.#names.delete(name);
  }

  /** The second signal: no waiting. QEMU would end with this process in any case, its files would not. */
  #releaseAtOnce(): void {
    for (const qemu of this.#processes) if (isSameProcess(qemu)) process.kill(qemu.pid, 'SIGKILL');
    removeRunFolders(this.#folders, [...this.#kept]);
  }
}
