import { deferred, formatDuration, monotonic, pause, within } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import { ConsoleChannel, type ConsoleFinding, type SerialLog, WaitingShell } from '../guest/index.ts';
import { type Machine, type QemuCommand, startMachine } from '../machine/index.ts';
import type { BootRecord } from '../schema/index.ts';
import { type BootContext, guestLost, withScreen } from './boot-error.ts';
import { BootWatch } from './boot-watch.ts';
import { renewalOf } from './checkpoint/renew.ts';
import { deathOf } from './death.ts';
import type { BootProgress } from './guest.ts';
import { commandLineOf } from './hardware.ts';
import { raceReadiness } from './race.ts';
import type { ReadyGuest } from './readiness.ts';
import { lookAtScreen } from './screen/screen.ts';
import { settleScript } from './settling.ts';
import type { GuestSpec } from './spec.ts';
import type { GuestPlace } from './start-guest.ts';

/** One of these makes a guest reboot, whatever its init is. */
const REBOOT_COMMAND = 'reboot || openrc-shutdown -r now || systemctl reboot || busybox reboot';

/** Milliseconds, before scaling, after which a reboot has no more resets, and between looks whether it is past them. */
const RESETS = 3000;
const LOOK = 50;

export interface PowerOptions {
  spec: GuestSpec;
  place: GuestPlace;
  command: QemuCommand;
  /** Starts the machine anew after the first time: a fork that lost its power boots as any other guest. */
  again?: QemuCommand | undefined;
  keyPath: string;
  serial: SerialLog;
  /** What the kernel complained of so far. */
  complaints: () => ConsoleFinding[];
  onProgress?: ((progress: BootProgress) => void) | undefined;
}

/** A guest between one reset and the next. */
export interface Life {
  machine: Machine;
  /** The channel over its virtio-serial ports. */
  console: ConsoleChannel;
  watch: BootWatch;
  ready: ReadyGuest;
  boot: BootRecord;
  context: BootContext;
}

export interface PowerWait {
  /** Milliseconds until it is ready, before scaling. */
  timeout: number;
  signal: AbortSignal;
  /** The host key that the guest has, where it is known. */
  hostKey?: string | undefined;
  /** What is run in it instead of the wait for its init. */
  script?: () => string;
}

/** The power button of one guest: its files stay the same from boot to boot. */
export class Power {
  readonly #options: PowerOptions;
  #command: QemuCommand;

  constructor(options: PowerOptions) {
    this.#options = options;
    this.#command = options.command;
  }

  /**
   * Starts QEMU and waits until the guest is ready. Whatever goes wrong, nothing of it runs afterwards.
   * @throws GvmError `boot-failed`, `boot-timeout`, `login-refused`, `qemu-start`; or the signal's reason
   */
  async on(began: number, { timeout, signal }: PowerWait): Promise<Life> {
    const { spec, place, command, again = command, serial } = this.#options;
    const resumed = this.#command === command ? spec.checkpoint : undefined;
    const watch = this.#watch(began);
    let console: ConsoleChannel | undefined;
    const beforeGuest = (starting: Machine) => {
      place.onProcess(starting.pid);
      console = attachConsole(starting, spec, place.scale);
      serial.attach(starting.serial);
      watch.attach(starting);
      watch.enter(resumed ? 'ssh' : 'firmware');
    };
    const start = { log: place.log, signal, recordDir: place.records, beforeGuest };
    let machine: Machine | undefined;
    try {
      machine = await startMachine(this.#command, start);
      this.#command = again;
      if (!console) throw new GvmError({ code: 'internal', message: 'the ports of the guest were not attached' });
      if (!resumed) return await this.#awaitReady(machine, console, watch, began, { timeout, signal });
      const { hostKey } = resumed.manifest;
      const own = await renewalOf(spec, hostKey);
      const { script } = own;
      const life = await this.#awaitReady(machine, console, watch, began, { timeout, signal, hostKey, script });
      const { address } = life.ready;
      if (address && own.hostKey !== undefined) address.hostKey = own.hostKey;
      return life;
    } catch (error) {
      watch.detach();
      await machine?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Lets the guest reboot itself. For that one reset QEMU goes on; from the reset on a guest that panics or resets
   * itself ends QEMU again, so a boot that dies is seen at once, as the first one's.
   * @throws GvmError `guest-lost` where it did not come to the reset, then as `on`
   */
  async reboot(life: Life, { timeout, signal }: PowerWait): Promise<{ next: Life; began: number }> {
    const { place, serial } = this.#options;
    const { machine, console } = life;
    const asked = monotonic();
    const reset = deferred<number>();
    const stop = machine.qmp.onEvent(({ name, at }) => {
      if (name === 'RESET') reset.resolve(at);
    });
    try {
      await machine.allowReset(true);
      life.ready.channel.exec(REBOOT_COMMAND, { timeout: timeout * place.scale }).catch(() => {});
      const lost = life.watch.lost.then((loss) => Promise.reject(guestLost(loss, life.context)));
      const began = await within(Promise.race([reset.promise, lost]), timeout * place.scale, signal);
      if (began === undefined) throw this.#stays(life, timeout * place.scale);
      this.#refusePanic(life, asked);
      life.watch.detach();
      serial.remark('the guest reset itself');
      const watch = this.#watch(began);
      watch.attach(machine);
      watch.enter('firmware');
      // The guest's end of the connection is gone with its memory.
      if (life.ready.channel !== console) await life.ready.channel[Symbol.asyncDispose]();
      const over = this.#endResets(machine, watch, signal);
      const hostKey = life.ready.address?.hostKey;
      const next = await this.#awaitReady(machine, console, watch, began, { timeout, signal, hostKey });
      await over;
      return { next, began };
    } finally {
      stop();
    }
  }

  /**
   * A kernel tries several ways to reset its machine, and its processors run on until QEMU has stopped them. A reboot is
   * over when the next boot has left its firmware, or when nothing has come of it for a while.
   */
  async #endResets(machine: Machine, watch: BootWatch, signal: AbortSignal): Promise<void> {
    const until = monotonic() + RESETS * this.#options.place.scale;
    try {
      while (watch.stage === 'firmware' && monotonic() < until) await pause(LOOK, signal);
      await machine.allowReset(false);
    } catch {
      // Whoever waits for the boot learns that QEMU ended, or that nobody waits any more.
    }
  }

  #watch(began: number): BootWatch {
    const { serial, place, onProgress, spec } = this.#options;
    const told = { commandLine: commandLineOf(spec), overConsole: spec.channel === 'console' };
    const emulated = place.accelerator === 'tcg';
    return new BootWatch({ serial, began, scale: place.scale, ...told, emulated, onProgress });
  }

  async #awaitReady(
    machine: Machine,
    console: ConsoleChannel,
    watch: BootWatch,
    began: number,
    wait: PowerWait,
  ): Promise<Life> {
    const { spec, place, keyPath, serial } = this.#options;
    const context = { guest: spec.name, console: serial.logPath, stages: watch.stages };
    const { script = () => settleScript(spec.init) } = wait;
    const race = { spec, machine, console, watch, keyPath, script, scale: place.scale, began, context };
    const ready = await raceReadiness({ ...race, ...wait }).catch(async (error: unknown) => {
      wait.signal.throwIfAborted();
      throw withScreen(error, await lookAtScreen(machine, place.folder));
    });
    watch.ready();
    const boot: BootRecord = {
      outcome: 'ready',
      sshMs: Math.round(ready.answeredAt - began),
      readyMs: Math.round(ready.settledAt - began),
      stages: watch.stages,
    };
    return { machine, console, watch, ready, boot, context };
  }

  /** A kernel that panics on its way down resets the machine as well. */
  #refusePanic({ context }: Life, asked: number): void {
    const { complaints, serial } = this.#options;
    const since = asked - serial.began;
    if (!complaints().some(({ kind, at }) => kind === 'panic' && at >= since)) return;
    const how = 'its kernel panicked while it went down for a reboot';
    const death = deathOf({ verdict: undefined, panicked: true, how }, 'shutdown', serial.tail(5));
    throw guestLost({ kind: 'death', death }, context);
  }

  #stays({ context }: Life, ms: number): GvmError {
    const [last = 'nothing'] = this.#options.serial.tail(1);
    return new GvmError({
      code: 'guest-lost',
      message: `guest ${context.guest} did not reset within ${formatDuration(ms)} of being told to reboot; its console last showed: ${last}`,
      hint: `the console log: ${context.console}`,
      details: { guest: context.guest, console: context.console, stage: 'shutdown', blame: 'guest' },
    });
  }
}

/** The channel over a machine's virtio-serial ports; QEMU tells when the guest opens and closes them. */
function attachConsole(machine: Machine, { machine: { login } }: GuestSpec, scale: number): ConsoleChannel {
  const shell = machine.shell && new WaitingShell(machine.shell, login, scale);
  const channel = new ConsoleChannel(machine.ports, scale, shell);
  machine.qmp.onEvent(({ name, data }) => {
    if (name === 'VSERPORT_CHANGE' && data.id === 'control') channel.guestChanged(data.open === true);
  });
  return channel;
}
