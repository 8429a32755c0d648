import { deferred, formatDuration, monotonic, within } from '../core/index.ts';
import type { GvmError } from '../errors/index.ts';
import { ConsoleClassifier, type ConsoleLine, type Reach, type SerialLog } from '../guest/index.ts';
import { hostTrouble, type Machine, type QemuExit, type QmpEvent } from '../machine/index.ts';
import type { Stage } from '../schema/index.ts';
import { type Activity, ActivityWindow } from './activity.ts';
import { type Death, deathOf } from './death.ts';
import type { BootProgress } from './guest.ts';
import { emptyBootSector, lookAtCpus, networkDriverless } from './probes.ts';

/** Milliseconds between looks at a console that is silent. */
const LOOK = 125;
/** Milliseconds of silence from which on the processors are looked at. */
const SILENT = 200;
/** Milliseconds that QEMU may take to end after it reported a panic, and its last bytes to arrive after it ended. */
const LAST_BYTES = 500;

export interface BootWatchOptions {
  serial: SerialLog;
  /** Monotonic milliseconds at which this boot began: QEMU's start, or the reset. */
  began: number;
  scale: number;
  /** What the kernel is told, where gvm tells it. */
  commandLine?: string | undefined;
  /** The guest is entered over its console port. */
  overConsole: boolean;
  /** Its processors are emulated. */
  emulated: boolean;
  onProgress?: ((progress: BootProgress) => void) | undefined;
}

/** How a guest ended, or why it will not become ready. */
export type Loss = { kind: 'death'; death: Death } | { kind: 'host'; error: GvmError };

/**
 * Watches one boot of a guest from its first instruction to its end: the console, QEMU's events, QEMU's exit. Until `ready` also a
 * console that has stopped counts as an end; afterwards only what QEMU says does.
 */
export class BootWatch {
  readonly stages: { stage: Stage; atMs: number }[] = [{ stage: 'qemu', atMs: 0 }];
  /** Resolves when there is no hope any more; never rejects. */
  readonly lost: Promise<Loss>;
  /** What the last attempt to reach the SSH server came to. */
  reach: Reach = 'pending';
  readonly #lost = deferred<Loss>();
  readonly #classifier: ConsoleClassifier;
  readonly #options: BootWatchOptions;
  #looks: NodeJS.Timeout | undefined;
  #shutdown: string | undefined;
  readonly #stops: (() => void)[] = [];
  #detached = false;
  readonly #processors = new ActivityWindow();
  /** What else was learned of the guest since its console fell silent. */
  #signs: { emptyBootSector?: boolean; driverless?: boolean } = {};
  #looking = false;

  constructor(options: BootWatchOptions) {
    this.#options = options;
    this.#classifier = new ConsoleClassifier(options.commandLine);
    this.lost = this.#lost.promise;
    this.#stops.push(options.serial.onLine((line) => this.#read(line)));
  }

  get stage(): Stage {
    return this.#classifier.stage;
  }

  /** The console shows that nothing is started any more. */
  get over(): boolean {
    return this.#classifier.isOver(this.#waiting);
  }

  get #waiting(): ConsoleLine | undefined {
    return this.#options.serial.waiting;
  }

  /** Begins to watch; to be called before the guest runs. */
  attach(machine: Machine): void {
    this.#stops.push(machine.qmp.onEvent((event) => this.#heed(event, machine)));
    void machine.exited.then((exit) => this.#ended(exit));
    this.#looks = setInterval(() => this.#look(machine), LOOK);
  }

  /** Ends the watch without a loss: the end of this boot was asked for. */
  detach(): void {
    this.ready();
    for (const stop of this.#stops.splice(0)) stop();
    this.#detached = true;
  }

  /** Notes a stage that was learned otherwise than from the console. */
  enter(stage: Stage): void {
    if (this.#classifier.reach(stage)) this.#note(stage, monotonic() - this.#options.began);
  }

  /** The guest answers: from now on a silent console is nothing to worry about. */
  ready(): void {
    clearInterval(this.#looks);
    this.#classifier.settle();
  }

  /** What is known at a deadline, for people. */
  lastSeen(): string {
    const { serial } = this.#options;
    const [line] = serial.tail(1);
    const console = line
      ? `its console last showed "${line}" ${formatDuration(serial.quiet)} ago`
      : 'its console showed nothing';
    const ssh = {
      answered: 'its SSH port answers, but without a greeting',
      refused: 'its kernel refuses connections to the SSH port',
      pending: 'nothing answers at its SSH port',
    }[this.reach];
    return `last stage ${this.stage}; ${ssh}; ${console}`;
  }

  #read(line: ConsoleLine): void {
    const stage = this.#classifier.push(line);
    const { serial, began } = this.#options;
    if (stage) this.#note(stage, line.at - (began - serial.began));
  }

  #note(stage: Stage, at: number): void {
    const progress = { stage, atMs: Math.max(0, Math.round(at)) };
    this.stages.push(progress);
    this.#options.onProgress?.(progress);
  }

  #look(machine: Machine): void {
    const { serial, scale, overConsole } = this.#options;
    const ms = serial.quiet;
    const waiting = this.#waiting;
    if (ms < SILENT || !this.#classifier.suspects(waiting)) {
      this.#processors.clear();
      this.#signs = {};
      return;
    }
    void this.#lookInside(machine);
    const { activity } = this.#processors;
    const signs = { kind: 'quiet', ms, scale, reach: this.reach, overConsole, activity, ...this.#signs } as const;
    const verdict = this.#classifier.judge(signs, waiting);
    if (verdict) this.#die({ verdict, how: howOf(ms, activity) });
  }

  /** Looks at the processors, and at what else may agree with a suspicion. QEMU is asked, never the guest. */
  async #lookInside(machine: Machine): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      this.#processors.push(await lookAtCpus(machine));
      if (this.#processors.activity === undefined) return;
      if (this.stage === 'firmware') this.#signs.emptyBootSector ??= await emptyBootSector(machine);
      else this.#signs.driverless = this.reach === 'pending' && (await networkDriverless(machine));
    } catch {
      // QEMU ended, or has no such query: what is known stays.
    } finally {
      this.#looking = false;
    }
  }

  #heed(event: QmpEvent, machine: Machine): void {
    const trouble = hostTrouble(event);
    if (trouble) this.#lose({ kind: 'host', error: trouble });
    if (event.name === 'SHUTDOWN') this.#shutdown = String(event.data.reason);
    if (event.name === 'GUEST_PANICKED') void this.#panicked(machine);
    if (event.name === 'STOP') void this.#stopped(machine);
  }

  async #panicked(machine: Machine): Promise<void> {
    await within(machine.exited, LAST_BYTES);
    this.#die({ verdict: this.#verdict(), panicked: true, how: 'its kernel reported a panic' });
  }

  /** A guest that stands still without being asked to: KVM met an instruction that it cannot run. */
  async #stopped(machine: Machine): Promise<void> {
    const status = await machine.qmp.execute('query-status').catch(() => undefined);
    if (status?.status !== 'internal-error') return;
    this.#die({ verdict: undefined, internal: true, how: 'QEMU stopped it after an internal error' });
  }

  async #ended(exit: QemuExit): Promise<void> {
    await within(this.#options.serial.ended, LAST_BYTES);
    this.#die({ verdict: this.#verdict(), exit, shutdown: this.#shutdown, how: 'QEMU ended' });
  }

  #verdict() {
    return this.#classifier.judge({ kind: 'ended' }, this.#options.serial.waiting);
  }

  #die(signs: Parameters<typeof deathOf>[0]): void {
    const { serial, began, emulated } = this.#options;
    const death = deathOf({ ...signs, emulated }, this.stage, serial.tail(5));
    this.#lose({ kind: 'death', death: { ...death, at: monotonic() - began } });
  }

  #lose(loss: Loss): void {
    clearInterval(this.#looks);
    if (!this.#detached) this.#lost.resolve(loss);
  }
}

function howOf(ms: number, activity: Activity | undefined): string {
  const silent = `its console has been silent for ${formatDuration(ms)}`;
  switch (activity) {
    case 'idle':
      return `${silent}, and its processors wait`;
    case 'stopped':
      return `${silent}, and its kernel has stopped`;
    case 'real-mode':
      return `${silent}, and its processor never left real mode`;
    default:
      return silent;
  }
}
