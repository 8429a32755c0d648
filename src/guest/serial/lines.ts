import { stripAnsi } from '../../core/index.ts';

/** One line of a console, stamped by the arrival of its first byte. */
export interface ConsoleLine {
  /** Milliseconds since the start of QEMU. */
  at: number;
  /** Without its end, without escape sequences; at most `LONGEST_LINE` characters, longer ones come in pieces. */
  text: string;
}

export const LONGEST_LINE = 4096;
const NEWLINE = 0x0a;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const DRAWING = /\u001b\[(\d*)(?:;(\d*))?[HfJ]|\u001bc|\r+/g;
const STAMP = /(?=\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? )/g;

/**
 * Splits the bytes of a console into lines. Whatever a guest sends costs bounded memory: a line without an end comes
 * out in pieces.
 */
export class ConsoleLines {
  #rest = Buffer.alloc(LONGEST_LINE);
  #length = 0;
  #began = 0;

  /** The lines that a chunk completes; empty ones are left out. */
  push(chunk: Buffer, at: number): ConsoleLine[] {
    const lines: ConsoleLine[] = [];
    let start = 0;
    while (start < chunk.length) {
      if (this.#length === 0) this.#began = at;
      const end = chunk.indexOf(NEWLINE, start);
      const stop = end === -1 ? chunk.length : end;
      const taken = Math.min(stop - start, LONGEST_LINE - this.#length);
      chunk.copy(this.#rest, this.#length, start, start + taken);
      this.#length += taken;
      start += taken;
      const ended = start === end;
      if (ended) start++;
      if (ended || this.#length === LONGEST_LINE) lines.push(...this.#take());
    }
    return lines;
  }

  /** The text after the last line end: a prompt, where something waits for input. */
  partial(): ConsoleLine | undefined {
    return this.#parts().at(-1);
  }

  #take(): ConsoleLine[] {
    const parts = this.#parts();
    this.#length = 0;
    return parts;
  }

  #parts(): ConsoleLine[] {
    return this.#rest
      .toString('utf8', 0, this.#length)
      .replace(DRAWING, breaks())
      .replace(STAMP, '\n')
      .split('\n')
      .map((text) => ({ at: this.#began, text: stripAnsi(text).replaceAll('\0', '') }))
      .filter(({ text }) => text.trim() !== '');
  }
}

/**
 * Firmware and boot loaders draw on the serial line as on a screen: a jump of the cursor to another row or to the first
 * column ends a line. So does a kernel's time stamp, wherever a program left the cursor.
 */
function breaks(): (match: string, row?: string, column?: string) => string {
  let current: string | undefined;
  return (match, row = '', column = '') => {
    if (!match.endsWith('H') && !match.endsWith('f')) return '\n';
    const stays = Number(column) > 1 && (current === undefined || current === row);
    current = row;
    return stays ? '' : '\n';
  };
}
