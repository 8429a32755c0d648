import type { CpuState } from './probes.ts';

/**
 * What the processors do. `idle`: all wait for interrupts. `stopped`: a kernel spins in one place and serves nothing, as
 * it does after a panic. `real-mode`: 16 bit, where firmware leaves it to boot sectors. `busy`: anything else.
 */
export type Activity = 'idle' | 'stopped' | 'real-mode' | 'busy';

/** Looks that must agree: at the pace of the watch about a second. */
const WINDOW = 7;
/** The share of looks that may find an idle guest at work: timers go off. */
const MOST_WORK = 0.2;

/** Gathers looks at the processors and says what they do, once enough of them are there. Pure. */
export class ActivityWindow {
  #looks: CpuState[][] = [];

  push(cpus: CpuState[]): void {
    if (cpus.length === 0) return;
    this.#looks = [...this.#looks.slice(1 - WINDOW), cpus];
  }

  clear(): void {
    this.#looks = [];
  }

  /** Undefined as long as there are too few looks. */
  get activity(): Activity | undefined {
    const looks = this.#looks;
    if (looks.length < WINDOW) return undefined;
    if (looks.every(([first]) => first?.realMode)) return 'real-mode';
    const atWork = looks.filter((cpus) => cpus.some((cpu) => !cpu.halted)).length;
    const waits = ({ halted, interruptible }: CpuState) => halted && interruptible;
    if (atWork <= WINDOW * MOST_WORK && looks.every((cpus) => cpus.some(waits))) return 'idle';
    const alive = looks.some((cpus) => cpus.some((cpu) => cpu.user || waits(cpu)));
    const memories = new Set(looks.flatMap((cpus) => cpus.filter((c) => !c.halted).map((c) => c.pageTable)));
    return !alive && memories.size <= 1 ? 'stopped' : 'busy';
  }
}
