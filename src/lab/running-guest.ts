import { anySignal, type Deferred, deferred, monotonic, within } from '../core/index.ts';
import { asGvmError, GvmError } from '../errors/index.ts';
import {
  type Channel,
  type ConsoleFinding,
  type HealthWatch,
  openSsh,
  type SerialLog,
  type SshAddress,
} from '../guest/index.ts';
import type { BootRecord, RebootRecord } from '../schema/index.ts';
import { guestLost } from './boot-error.ts';
import type { SerialLine } from './consoles.ts';
import type { Guest, KeptGuest, RestartOptions } from './guest.ts';
import type { Life, Power, PowerWait } from './power.ts';
import type { GuestSpec } from './spec.ts';

/** Milliseconds before scaling. */
const POWER_OFF = 30_000;
/** The share of the deadline after which the power button is pressed as well. */
const BUTTON_AFTER = 0.5;
const QUIT = 2000;
const ANSWER = 5000;

/** One of these stops a guest, whatever its init is. */
const POWER_OFF_COMMAND = 'poweroff || openrc-shutdown -p now || systemctl poweroff || busybox poweroff';

/** What a ready guest consists of; the starter hands it over. */
export interface GuestParts {
  spec: GuestSpec;
  processName: string;
  argv: readonly string[];
  startedAt: number;
  scale: number;
  power: Power;
  /** The first boot. */
  life: Life;
  serial: SerialLog;
  health: HealthWatch;
  freeze: (to: string, life: Life, signal: AbortSignal) => Promise<void>;
  /** Closes files and removes the folder, where it is not kept. */
  release: () => Promise<void>;
  keep: () => KeptGuest;
}

export class RunningGuest implements Guest {
  readonly name: string;
  readonly spec: GuestSpec;
  readonly processName: string;
  readonly argv: readonly string[];
  readonly startedAt: number;
  readonly boot: BootRecord;
  readonly reboots: RebootRecord[] = [];
  readonly consoleLog: string;
  readonly scale: number;
  readonly lost: Promise<GvmError>;
  readonly #lost: Deferred<GvmError> = deferred<GvmError>();
  readonly #parts: GuestParts;
  #life: Life;
  #channel: Channel;
  /** An end that was asked for is no loss. */
  #ending = false;
  #restarting: Promise<unknown> | undefined;
  readonly #disposing = new AbortController();
  #disposal: Promise<void> | undefined;

  constructor(parts: GuestParts) {
    this.#parts = parts;
    this.name = parts.spec.name;
    this.spec = parts.spec;
    this.processName = parts.processName;
    this.argv = parts.argv;
    this.startedAt = parts.startedAt;
    this.boot = parts.life.boot;
    this.consoleLog = parts.serial.logPath;
    this.scale = parts.scale;
    this.lost = this.#lost.promise;
    this.#life = parts.life;
    this.#channel = parts.life.ready.channel;
    this.#adopt(parts.life);
  }

  get pid(): number {
    return this.#life.machine.pid;
  }

  get console(): Channel {
    return this.#life.console;
  }

  get ssh(): SshAddress | undefined {
    return this.#life.ready.address;
  }

  channel(): Channel {
    return this.#channel;
  }

  healthFindings(): ConsoleFinding[] {
    return this.#parts.health.findings();
  }

  get serialLine(): SerialLine {
    return this.#parts.serial;
  }

  consoleTail(lines: number): string[] {
    return this.#parts.serial.tail(lines);
  }

  keep(): KeptGuest {
    return this.#parts.keep();
  }

  reboot(options: RestartOptions = {}): Promise<RebootRecord> {
    return this.#restart('reboot', options, (wait) => this.#parts.power.reboot(this.#life, wait));
  }

  crash(options: RestartOptions = {}): Promise<RebootRecord> {
    return this.#restart('crash', options, async (wait) => {
      const { watch, machine } = this.#life;
      watch.detach();
      await machine.kill();
      await this.#channel[Symbol.asyncDispose]();
      this.#parts.serial.remark('the power was taken away, and given back');
      const began = monotonic();
      return { next: await this.#parts.power.on(began, wait), began };
    });
  }

  async setLink(up: boolean): Promise<void> {
    for (const [card, { mode }] of this.spec.machine.networks.entries())
      if (mode !== 'none') await this.#life.machine.setLink(card, up);
    if (!up || !this.ssh || this.#channel.kind !== 'ssh' || !(await within(this.#channel.closed, 0))) return;
    this.#channel = await openSsh(this.ssh, { scale: this.scale });
  }

  async powerOff(options: { timeout?: number; signal?: AbortSignal } = {}): Promise<'guest' | 'acpi' | 'killed'> {
    this.#ending = true;
    const { machine } = this.#life;
    const timeout = options.timeout ?? POWER_OFF * this.scale;
    const asked = this.#channel.exec(POWER_OFF_COMMAND, { timeout }).then(
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

  async freeze(to: string, signal: AbortSignal): Promise<{ console: boolean }> {
    this.#ending = true;
    this.#life.watch.detach();
    const console = await this.#consoleAnswers(signal);
    await this.#channel[Symbol.asyncDispose]();
    await this.#parts.freeze(to, this.#life, signal);
    return { console };
  }

  /** Whether a responder is there; one that has not opened its port is not waited for. */
  async #consoleAnswers(signal: AbortSignal): Promise<boolean> {
    const { machine, console } = this.#life;
    const ports = await machine.qmp.execute('query-chardev', undefined, { signal });
    if (!ports.some((port) => port.label === 'control' && port['frontend-open'])) return false;
    const timeout = ANSWER * this.scale;
    try {
      const { exitCode } = await console.exec('exit 0', { timeout, direct: true, signal });
      // What it still had to do for that command each of the forks would do again.
      await console.greet(anySignal(signal, AbortSignal.timeout(timeout)));
      return exitCode === 0;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  async kill(): Promise<void> {
    this.#ending = true;
    await this.#life.machine.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#disposing.abort(new Error('the guest was released'));
    await this.#restarting?.catch(() => {});
    await this.kill();
    await this.#channel[Symbol.asyncDispose]();
    await this.#life.console[Symbol.asyncDispose]();
    await this.#parts.release();
  }

  /** From now on this is the guest, and its end the guest's loss. */
  #adopt(life: Life): void {
    this.#life = life;
    this.#channel = life.ready.channel;
    void life.watch.lost.then((loss) => {
      if (this.#ending) return;
      this.#lost.resolve(guestLost(loss, life.context));
      // It may only stand still: what waits for an answer of it ends with QEMU.
      void life.machine.kill();
    });
  }

  async #restart(
    how: RebootRecord['how'],
    { timeout = this.spec.machine.timeout, signal }: RestartOptions,
    restart: (wait: PowerWait) => Promise<{ next: Life; began: number }>,
  ): Promise<RebootRecord> {
    if (this.#restarting) throw new GvmError({ code: 'usage', message: `guest ${this.name} is restarting already` });
    const stop = anySignal(this.#disposing.signal, signal);
    const restarting = restart({ timeout, signal: stop });
    this.#restarting = restarting;
    try {
      const { next, began } = await restarting;
      this.#adopt(next);
      const record = { ...next.boot, how, beganMs: Math.round(began - this.startedAt) };
      this.reboots.push(record);
      return record;
    } catch (error) {
      // Whatever is left of it is not the guest that a test asked for.
      if (!stop.aborted) this.#lost.resolve(asGvmError(error));
      throw error;
    } finally {
      this.#restarting = undefined;
    }
  }
}
