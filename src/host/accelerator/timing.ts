/** The interval timer's rate in kHz (Intel 8254 behind a PC's 1.193182 MHz). */
const TIMER_KHZ = 1193.182;
const BEGIN = 0x42;
const END = 0x45;
const TIMER_OUTPUT = 0x20;

/**
 * Reads what the ROM reports: `B` when a loop begins, then `E`, the timer's low and high byte, and its output. The
 * host's own clock is taken as the bytes arrive.
 */
export class LoopTiming {
  /** Milliseconds of the fastest loop so far, by whichever clock counted less; undefined before the first. */
  fastest: number | undefined;
  #begin = 0;
  #report: number[] = [];

  push(bytes: Uint8Array, at: number): void {
    for (const byte of bytes) this.#byte(byte, at);
  }

  #byte(byte: number, at: number): void {
    if (this.#report.length > 0) {
      this.#report.push(byte);
      if (this.#report.length === 4) this.#finish(at);
    } else if (byte === BEGIN) this.#begin = at;
    else if (byte === END) this.#report = [byte];
  }

  #finish(at: number): void {
    const [, low = 0, high = 0, output = 0] = this.#report;
    this.#report = [];
    const expired = (output & TIMER_OUTPUT) !== 0;
    const ticks = 0xffff - (low | (high << 8));
    const guest = expired ? Number.POSITIVE_INFINITY : ticks / TIMER_KHZ;
    // Bytes that arrive together say nothing of the host's clock.
    const host = at > this.#begin ? at - this.#begin : Number.POSITIVE_INFINITY;
    const loop = Math.min(guest, host);
    if (Number.isFinite(loop)) this.fastest = Math.min(this.fastest ?? loop, loop);
  }
}
