import { randomBytes } from 'node:crypto';

/** How much of a stream is looked through; what stands before the number comes from the start files of the login shell. */
const MOST = 65_536;

/**
 * The number of a command's shell. sshd does not tell it, and passes no signals on for root; so the shell itself says
 * it, first of all and on its standard error, and the line is taken out here.
 */
export class ShellNumber {
  /** What stands before the command, on its first line. */
  readonly words: string;
  readonly #mark: string;
  #held: Buffer | undefined = Buffer.alloc(0);
  #number: number | undefined;

  constructor() {
    this.#mark = `gvm-${randomBytes(12).toString('hex')}-`;
    this.words = `echo ${this.#mark}$$ >&2; `;
  }

  /** Once it was said. */
  get value(): number | undefined {
    return this.#number;
  }

  /** @returns what belongs to the command, or undefined as long as the number has not come */
  push(chunk: Buffer): Buffer | undefined {
    if (!this.#held) return chunk;
    const bytes = Buffer.concat([this.#held, chunk]);
    const at = bytes.indexOf(this.#mark);
    const end = at < 0 ? -1 : bytes.indexOf(10, at);
    if (end < 0 && bytes.length <= MOST) {
      this.#held = bytes;
      return undefined;
    }
    this.#held = undefined;
    if (end < 0) return bytes;
    this.#number = Number(bytes.toString('latin1', at + this.#mark.length, end));
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end + 1)]);
  }

  /** What is still held back at the end. */
  rest(): Buffer {
    const held = this.#held ?? Buffer.alloc(0);
    this.#held = undefined;
    return held;
  }
}
