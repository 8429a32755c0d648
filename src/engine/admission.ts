import { type Deferred, deferred } from '../core/index.ts';

export interface AdmissionLimits {
  /** How many guests run at once. */
  guests: number;
  /** Bytes that all of them may have together. */
  memory: number;
}

/** QEMU's own, beside the guest's memory. */
const OVERHEAD = 96 * 2 ** 20;

interface Waiting {
  bytes: number;
  admitted: Deferred<void>;
}

/**
 * Lets guests in one after the other: as many as may run at once, and no more than the host has memory for. Who waits
 * first is let in first; a guest that is alone always is, however large.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #waiting: Waiting[] = [];
  #guests = 0;
  #bytes = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /**
   * Waits for a place for a guest with so much memory. @returns what gives the place back, at its first call
   * @throws the signal's reason
   */
  async enter(memory: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const waiting: Waiting = { bytes: memory + OVERHEAD, admitted: deferred<void>() };
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
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#guests -= 1;
      this.#bytes -= waiting.bytes;
      this.#admit();
    };
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const fits = this.#guests < this.#limits.guests && this.#bytes + next.bytes <= this.#limits.memory;
      if (!fits && this.#guests > 0) return;
      this.#waiting.shift();
      this.#guests += 1;
      this.#bytes += next.bytes;
      next.admitted.resolve();
    }
  }
}
