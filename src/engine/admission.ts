import { type Deferred, deferred, formatSize } from '../core/index.ts';

export interface AdmissionLimits {
  /** How many guests run at once. */
  guests: number;
  /** Bytes that all of them may have together. */
  memory: number;
  /** Virtual processors that all of them may have together; undefined where nobody counts them. */
  cpus?: number | undefined;
}

/** What a guest declares. */
export interface Demand {
  memory: number;
  cpus: number;
}

/** QEMU's own, beside the guest's memory. */
const OVERHEAD = 96 * 2 ** 20;

interface Waiting {
  /** What it needs beside what it holds. */
  bytes: number;
  cpus: number;
  admitted: Deferred<void>;
}

/** The memory of a guest that is made ready before its test begins. */
export interface SparePlace {
  /** Waits for a place among the guests that run; the memory stays its own. @throws the signal's reason */
  enter(signal: AbortSignal): Promise<void>;
  /** Gives back what it has, at the first call. */
  leave(): void;
}

/**
 * Lets guests in one after the other: as many as may run at once, and no more than the host has memory and processors
 * for. Who waits first is let in first; a guest that is alone always is, however large, and that is said aloud.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #waiting: Waiting[] = [];
  /** What takes a spare place back. */
  readonly #spares = new Set<() => void>();
  readonly #warn: (text: string) => void;
  #guests = 0;
  #bytes = 0;
  #cpus = 0;

  constructor(limits: AdmissionLimits, warn: (text: string) => void) {
    this.#limits = limits;
    this.#warn = warn;
  }

  /**
   * Waits for a place for a guest. @returns what gives the place back, at its first call
   * @throws the signal's reason
   */
  async enter({ memory, cpus }: Demand, signal: AbortSignal): Promise<() => void> {
    const bytes = memory + OVERHEAD;
    await this.#wait(bytes, cpus, signal);
    return once(() => this.#leave(1, bytes, cpus));
  }

  /**
   * Memory for a guest that waits for its test, where nobody else waits for it.
   * @param reclaim ends that guest, whose memory is given to another one; not called any more once it has entered
   */
  spare({ memory, cpus }: Demand, reclaim: () => void): SparePlace | undefined {
    const bytes = memory + OVERHEAD;
    if (this.#waiting.length > 0 || this.#bytes + bytes > this.#limits.memory) return undefined;
    this.#bytes += bytes;
    let [entered, left] = [false, false];
    const leave = once(() => {
      left = true;
      this.#spares.delete(takeBack);
      this.#leave(entered ? 1 : 0, bytes, entered ? cpus : 0);
    });
    const takeBack = () => {
      leave();
      reclaim();
    };
    this.#spares.add(takeBack);
    const enter = async (signal: AbortSignal) => {
      this.#spares.delete(takeBack);
      await this.#wait(0, cpus, signal);
      // It may have been gone before its turn came.
      if (left) this.#leave(1, 0, cpus);
      else entered = true;
    };
    return { enter, leave };
  }

  async #wait(bytes: number, cpus: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const waiting: Waiting = { bytes, cpus, admitted: deferred<void>() };
    this.#waiting.push(waiting);
    this.#admit();
    const aborted = () => {
      const at = this.#waiting.indexOf(waiting);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      waiting.admitted.reject(signal.reason);
      this.#admit();
    };
    signal.addEventListener('abort', aborted, { once: true });
    try {
      await waiting.admitted.promise;
    } finally {
      signal.removeEventListener('abort', aborted);
    }
  }

  #leave(guests: number, bytes: number, cpus: number): void {
    this.#guests -= guests;
    this.#bytes -= bytes;
    this.#cpus -= cpus;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#guests += 1;
      this.#bytes += next.bytes;
      this.#cpus += next.cpus;
      if (this.#bytes > this.#limits.memory) this.#warnOf(next.bytes);
      next.admitted.resolve();
    }
  }

  /** The first one that waits; while that lacks memory, one that has its own already. */
  #next(): Waiting | undefined {
    const [first] = this.#waiting;
    if (!first || this.#guests >= this.#limits.guests) return undefined;
    const { memory, cpus = Number.POSITIVE_INFINITY } = this.#limits;
    const processors = this.#cpus + first.cpus <= cpus;
    const fits = this.#bytes + first.bytes <= memory;
    if (fits && processors) return first;
    const [spare] = fits ? [] : this.#spares;
    if (spare) {
      this.#spares.delete(spare);
      spare();
      return this.#waiting.includes(first) ? this.#next() : undefined;
    }
    if (this.#guests === 0) return this.#waiting.find(({ bytes }) => bytes === 0) ?? first;
    return fits ? undefined : this.#waiting.find((other) => other.bytes === 0 && this.#cpus + other.cpus <= cpus);
  }

  #warnOf(bytes: number): void {
    const needs = formatSize(bytes);
    this.#warn(
      `a guest needs ${needs} with QEMU, and the host has ${formatSize(this.#limits.memory)} free: it may run out`,
    );
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
