import { stripAnsi } from '../../core/index.ts';

/** One line of a console, stamped by the arrival of the first byte that shows. */
export interface ConsoleLine {
  /** Milliseconds since the start of QEMU. */
  at: number;
  /** Without its end, without escape sequences; at most `LONGEST_LINE` characters, longer ones come in pieces. */
  text: string;
}

export const LONGEST_LINE = 4096;
const NEWLINE = 0x0a;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const BREAK = /\u001b\[(\d*)(?:;(\d*))?[HfJ]|\u001bc|\r+|(?=\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? )/g;
/** After a jump to the first column of a row: one to the second. SeaBIOS does so where it has drawn one character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const BEHIND = /\u001b\[(\d+);0*2H/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is passed over
const UNSEEN = /(?:\u001b\[[\d;?]*[A-Za-z]|[\0\s])*/y;

/**
 * Splits the bytes of a console into lines. Whatever a guest sends costs bounded memory: a line without an end comes
 * out in pieces.
 */
export class ConsoleLines {
  #rest = Buffer.alloc(LONGEST_LINE);
  #length = 0;
  /** Where in the rest bytes begin that came at another time than those before them. */
  #arrivals: { from: number; at: number }[] = [];

  /** The lines that a chunk completes; empty ones are left out. */
  push(chunk: Buffer, at: number): ConsoleLine[] {
    const lines: ConsoleLine[] = [];
    let start = 0;
    while (start < chunk.length) {
      if (this.#arrivals.at(-1)?.at !== at) this.#arrivals.push({ from: this.#length, at });
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
    this.#arrivals = [];
    return parts;
  }

  #parts(): ConsoleLine[] {
    // What breaks a line is ASCII, so that a place among the characters is one among the bytes.
    const bytes = this.#rest.toString('latin1', 0, this.#length);
    const parts: ConsoleLine[] = [];
    let from = 0;
    for (const [start, end] of [...breaksOf(bytes), [this.#length, this.#length] as const]) {
      const text = stripAnsi(this.#rest.toString('utf8', from, start)).replaceAll('\0', '');
      if (text.trim() !== '') parts.push({ at: this.#arrivalOf(shown(bytes, from)), text });
      from = end;
    }
    return parts;
  }

  #arrivalOf(place: number): number {
    return this.#arrivals.findLast(({ from }) => from <= place)?.at ?? 0;
  }
}

/** The place of the first character from here on that a terminal would show. */
function shown(text: string, from: number): number {
  UNSEEN.lastIndex = from;
  UNSEEN.test(text);
  return Math.max(from, UNSEEN.lastIndex);
}

/**
 * Firmware and boot loaders draw on the serial line as on a screen: a jump of the cursor to another row or to the first
 * column ends a line. So does a kernel's time stamp, wherever a program left the cursor.
 * @returns begin and end of each break
 */
function breaksOf(text: string): (readonly [number, number])[] {
  const breaks: (readonly [number, number])[] = [];
  let current: string | undefined;
  for (const match of text.matchAll(BREAK)) {
    const [found, row = '', column = ''] = match;
    const end = match.index + found.length;
    if (found.endsWith('H') || found.endsWith('f')) {
      BEHIND.lastIndex = end;
      if (Number(column) === 1 && BEHIND.exec(text)?.[1] === row) continue;
      const stays = Number(column) > 1 && (current === undefined || current === row);
      current = row;
      if (stays) continue;
    }
    breaks.push([match.index, end]);
  }
  return breaks;
}
