import { deferred, within } from '../core/index.ts';
import type { GvmError } from '../errors/index.ts';
import type { Channel, ConsoleFinding, HealthWatch, SerialLog, SshAddress } from '../guest/index.ts';
import type { Machine } from '../machine/index.ts';
import type { BootRecord } from '../schema/index.ts';
import type { Guest, KeptGuest } from './guest.ts';
import type { GuestSpec } from './spec.ts';

/** Milliseconds before scaling. */
const POWER_OFF = 30_000;
/** The share of the deadline after which the power button is pressed as well. */
const BUTTON_AFTER = 0.5;
const QUIT = 2000;

/** One of these stops a guest, whatever its init is. */
const POWER_OFF_COMMAND = 'poweroff || openrc-shutdown -p now || systemctl poweroff || busybox poweroff';

/** What a ready guest consists of; the starter hands it over. */
export interface GuestParts {
  spec: GuestSpec;
  processName: string;
  argv: readonly string[];
  startedAt: number;
  boot: BootRecord;
  ssh: SshAddress;
  scale: number;
  machine: Machine;
  channel: Channel;
  serial: SerialLog;
  health: HealthWatch;
  consoleLog: string;
  lost: Promise<GvmError>;
  /** Closes files and removes the folder, where it is not kept. */
  release: () => Promise<void>;
  keep: () => KeptGuest;
}

export class RunningGuest implements Guest {
  readonly name: string;
  readonly spec: GuestSpec;
  readonly processName: string;
  readonly pid: number;
  readonly argv: readonly string[];
  readonly startedAt: number;
  readonly boot: BootRecord;
  readonly ssh: SshAddress;
  readonly consoleLog: string;
  readonly scale: number;
  readonly lost: Promise<GvmError>;
  readonly #parts: GuestParts;
  /** An end that was asked for is no loss. */
  #ending = false;
  #disposal: Promise<void> | undefined;

  constructor(parts: GuestParts) {
    this.#parts = parts;
    this.name = parts.spec.name;
    this.spec = parts.spec;
    this.processName = parts.processName;
    this.pid = parts.machine.pid;
    this.argv = parts.argv;
    this.startedAt = parts.startedAt;
    this.boot = parts.boot;
    this.ssh = parts.ssh;
    this.consoleLog = parts.consoleLog;
    this.scale = parts.scale;
    const lost = deferred<GvmError>();
    this.lost = lost.promise;
    void parts.lost.then((error) => {
      if (!this.#ending) lost.resolve(error);
    });
  }

  channel(): Channel {
    return this.#parts.channel;
  }

  healthFindings(): ConsoleFinding[] {
    return this.#parts.health.findings();
  }

  consoleTail(lines: number): string[] {
    return this.#parts.serial.tail(lines);
  }

  keep(): KeptGuest {
    return this.#parts.keep();
  }

  async powerOff(options: { timeout?: number; signal?: AbortSignal } = {}): Promise<'guest' | 'acpi' | 'killed'> {
    this.#ending = true;
    const { machine, channel } = this.#parts;
    const timeout = options.timeout ?? POWER_OFF * this.scale;
    const asked = channel.exec(POWER_OFF_COMMAND, { timeout }).then(
      ({ exitCode }) => exitCode === 0,
      // A guest that goes down takes the connection with it.
      () => true,
    );
    const ended = machine.exited.then(() => true);
    const early = asked.then((done) =>
      done ? within(machine.exited, timeout * BUTTON_AFTER, options.signal) : undefined,
    );
    if (await within(Promise.race([ended, early]), timeout * BUTTON_AFTER, options.signal)) return 'guest';
    await machine.powerDown().catch(() => {});
    if (await within(ended, timeout * (1 - BUTTON_AFTER), options.signal)) return 'acpi';
    machine.qmp.execute('quit').catch(() => {});
    await within(ended, QUIT, options.signal);
    await machine.kill();
    return 'killed';
  }

  async kill(): Promise<void> {
    this.#ending = true;
    await this.#parts.machine.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.kill();
    await this.#parts.channel[Symbol.asyncDispose]();
    await this.#parts.release();
  }
}
