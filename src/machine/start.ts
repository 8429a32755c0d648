import type { Duplex } from 'node:stream';
import { type Log, within } from '../core/index.ts';
import { GvmError, isGvmError } from '../errors/index.ts';
import { type ChildExit, type SupervisedChild, spawnSupervised, unprivilegedAccount } from '../process/index.ts';
import type { QemuCommand } from './args/input.ts';
import { startFailure } from './failure.ts';
import { parseForward } from './forward.ts';
import { prepareFiles } from './handover.ts';
import { loadState } from './migration.ts';
import { QmpClient } from './qmp/client.ts';

// Milliseconds that a QEMU which has closed its monitor may take to end by itself.
const LAST_WORDS = 2000;
const DRAW = 2000;

/** How QEMU ended. */
export type QemuExit = ChildExit;

export interface StartOptions {
  log: Log;
  signal?: AbortSignal | undefined;
  /** Folder for the record by which a later gvm finds a QEMU whose owner was killed. */
  recordDir?: string | undefined;
  /** Called with QEMU's sockets before the guest executes its first instruction. */
  beforeGuest?: (machine: Machine) => void | Promise<void>;
  /** Milliseconds within which the monitor must answer. Default 20 s. */
  timeout?: number;
}

/** A running QEMU. Disposing of it kills it; whoever wants an orderly end asks the guest or the monitor first. */
export interface Machine extends AsyncDisposable {
  readonly pid: number;
  readonly qmp: QmpClient;
  /**
   * The guest's first serial line. The guest stands still when nobody reads. Its last bytes may come after `exited`,
   * and are there when it emits `end`.
   */
  readonly serial: Duplex;
  /** gvm's ends of the virtio-serial ports. The guest waits for who reads them. */
  readonly ports: { control: Duplex; data: Duplex; errors: Duplex };
  /** gvm's end of hvc0, where the machine has one. The guest waits for who reads it. */
  readonly shell: Duplex | undefined;
  /** Resolves when QEMU has ended; never rejects. */
  readonly exited: Promise<QemuExit>;
  /** The port of 127.0.0.1 that leads to the guest's login port. @throws GvmError `usage` when it has no network */
  forwardedPort(signal?: AbortSignal): Promise<number>;
  /** Presses the power button (ACPI); the guest may take its time or not listen at all. */
  powerDown(): Promise<void>;
  reset(): Promise<void>;
  /** Whether a guest that resets itself starts again, or ends QEMU. */
  allowReset(allowed: boolean): Promise<void>;
  /** Pulls the cable out of a network card, counted from 0, or puts it back. */
  setLink(card: number, up: boolean): Promise<void>;
  /**
   * Writes a picture of the screen (netpbm's PPM, which every QEMU has) to the file that the machine was given for it.
   * @returns false where it has no screen
   */
  drawScreen(): Promise<boolean>;
  /** Ends QEMU at once and waits for its end. */
  kill(): Promise<void>;
}

/**
 * Starts QEMU and lets the guest go. As root, QEMU runs as `nobody`.
 * @throws GvmError `qemu-start` with QEMU's own words when it refuses its arguments or ends before the monitor
 * answers; `tool-missing`; `deadline`; the signal's reason. Nothing is left running then.
 */
export async function startMachine(command: QemuCommand, options: StartOptions): Promise<Machine> {
  options.signal?.throwIfAborted();
  const account = unprivilegedAccount(command.devices);
  const handover = prepareFiles(command.files, account);
  let child: SupervisedChild;
  try {
    const { binary: tool, argv, sockets } = command;
    const { log, recordDir } = options;
    child = await spawnSupervised({ tool, argv, sockets, files: handover.files, account, log, recordDir });
  } finally {
    handover.discard();
  }
  try {
    const wait = { timeout: options.timeout ?? 20_000, signal: options.signal };
    const qmp = await QmpClient.connect(child.socket('qmp'), wait);
    const machine = new RunningMachine(child, qmp, command);
    await options.beforeGuest?.(machine);
    if (command.incoming !== undefined) await loadState(qmp, command.incoming, options.signal);
    await qmp.execute('cont', undefined, wait);
    return machine;
  } catch (error) {
    // QEMU closes its monitor as it ends: its last words say more than the closed socket.
    const closed = isGvmError(error) && error.code === 'qmp-closed';
    if (closed) await within(child.exited, LAST_WORDS);
    await child[Symbol.asyncDispose]();
    throw closed ? startFailure(command.binary, await child.exited, error) : error;
  }
}

class RunningMachine implements Machine {
  readonly pid: number;
  readonly qmp: QmpClient;
  readonly serial: Duplex;
  readonly ports: Machine['ports'];
  readonly shell: Duplex | undefined;
  readonly exited: Promise<QemuExit>;
  readonly #child: SupervisedChild;
  readonly #screen: string | undefined;

  constructor(child: SupervisedChild, qmp: QmpClient, { screen, sockets }: QemuCommand) {
    this.#child = child;
    this.#screen = screen;
    this.qmp = qmp;
    this.pid = child.pid;
    this.serial = child.socket('serial');
    this.ports = { control: child.socket('control'), data: child.socket('data'), errors: child.socket('errors') };
    this.shell = sockets.some(({ name }) => name === 'shell') ? child.socket('shell') : undefined;
    this.exited = child.exited;
  }

  async forwardedPort(signal?: AbortSignal): Promise<number> {
    const text = await this.qmp.execute('human-monitor-command', { 'command-line': 'info usernet' }, { signal });
    const port = parseForward(text);
    if (port !== undefined) return port;
    throw new GvmError({
      code: 'usage',
      message: 'the guest has no network by which gvm could log in',
      hint: 'give it one (machine: network: restricted), or use the console channel',
    });
  }

  async powerDown(): Promise<void> {
    await this.qmp.execute('system_powerdown');
  }

  async reset(): Promise<void> {
    await this.qmp.execute('system_reset');
  }

  async allowReset(allowed: boolean): Promise<void> {
    await this.qmp.execute('set-action', { reboot: allowed ? 'reset' : 'shutdown' });
  }

  async setLink(card: number, up: boolean): Promise<void> {
    await this.qmp.execute('set_link', { name: `nic${card}`, up });
  }

  async drawScreen(): Promise<boolean> {
    if (this.#screen === undefined) return false;
    await this.qmp.execute('screendump', { filename: this.#screen }, { timeout: DRAW });
    return true;
  }

  async kill(): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
