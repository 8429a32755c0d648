import type { Duplex } from 'node:stream';
import { deferred, formatDuration, monotonic, printable } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { BoundedFile } from './bounded-file.ts';
import { type ConsoleLine, ConsoleLines } from './lines.ts';

const LARGEST = 16 * 2 ** 20;
const TAIL_LINES = 400;
/** Bytes that who attaches to the console gets to see of what came before. */
const RECENT = 4096;

export interface SerialLogOptions {
  /** The bytes as they came. */
  rawPath: string;
  /** The lines with their times, for people: seconds since the start of QEMU. */
  logPath: string;
  /** Monotonic milliseconds at which QEMU started. */
  began: number;
  /** Bytes kept of each file's beginning; the last MiB is kept as well. Default 16 MiB. */
  limit?: number;
  onTrouble: (message: string) => void;
}

/** Reads a guest's serial line as long as the guest lives: a guest whose line nobody reads stands still. */
export class SerialLog implements AsyncDisposable {
  /** Monotonic milliseconds from which the times of lines count. */
  readonly began: number;
  /** Where the lines are written for people. */
  readonly logPath: string;
  readonly #lines = new ConsoleLines();
  readonly #listeners = new Set<(line: ConsoleLine) => void>();
  readonly #byteListeners = new Set<(chunk: Buffer) => void>();
  #recent = Buffer.alloc(0);
  #stream: Duplex | undefined;
  readonly #tail: ConsoleLine[] = [];
  readonly #raw: BoundedFile;
  readonly #log: BoundedFile;
  #ended = deferred<void>();
  #last: number;

  constructor(options: SerialLogOptions) {
    this.began = options.began;
    this.logPath = options.logPath;
    this.#last = options.began;
    const limit = options.limit ?? LARGEST;
    this.#raw = new BoundedFile(options.rawPath, limit, options.onTrouble);
    this.#log = new BoundedFile(options.logPath, limit, options.onTrouble);
  }

  /** Reads a line from now on; after a loss of power that of the next QEMU. */
  attach(stream: Duplex): void {
    const ended = deferred<void>();
    this.#ended = ended;
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', () => {});
    stream.on('close', () => ended.resolve());
    stream.on('end', () => ended.resolve());
  }

  /** Resolves when the line that was attached last has ended: nothing comes any more. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Writes a remark between the lines of the log, and ends a line that was begun. */
  remark(text: string): void {
    if (this.waiting) this.#receive(Buffer.from('\n'));
    this.#log.write(render({ at: monotonic() - this.began, text: `== ${text}` }));
  }

  /** Calls back with every line from now on; the returned function ends that. */
  onLine(listener: (line: ConsoleLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back with the bytes as they come from now on; the returned function ends that. */
  onBytes(listener: (chunk: Buffer) => void): () => void {
    this.#byteListeners.add(listener);
    return () => this.#byteListeners.delete(listener);
  }

  /** The last bytes that came. */
  recent(): Buffer {
    return this.#recent;
  }

  /** Types into the guest's console. */
  send(bytes: Buffer): void {
    if (this.#stream && !this.#stream.destroyed) this.#stream.write(bytes);
  }

  /** Milliseconds since the last byte, or since the start where there was none. */
  get quiet(): number {
    return monotonic() - this.#last;
  }

  /** The text after the last line end. */
  get waiting(): ConsoleLine | undefined {
    return this.#lines.partial();
  }

  /** The last lines, fit for a terminal; at most 400 are kept. */
  tail(count: number): string[] {
    const waiting = this.waiting;
    return [...this.#tail, ...(waiting ? [waiting] : [])].slice(-count).map((line) => printable(line.text.trimEnd()));
  }

  /**
   * Waits for a line, past ones included as far as they are kept.
   * @throws GvmError `deadline` with the last line, or the signal's reason
   */
  async waitFor(pattern: RegExp, options: { timeout: number; signal?: AbortSignal }): Promise<ConsoleLine> {
    const found = this.#tail.find((line) => pattern.test(line.text));
    if (found) return found;
    const { timeout, signal } = options;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        off();
        signal?.removeEventListener('abort', onAbort);
      };
      const off = this.onLine((line) => {
        if (!pattern.test(line.text)) return;
        stop();
        resolve(line);
      });
      const onAbort = () => {
        stop();
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        stop();
        const last = this.tail(1)[0] ?? 'nothing';
        const message = `the console did not show ${pattern} within ${formatDuration(timeout)}; it last showed: ${last}`;
        reject(new GvmError({ code: 'deadline', message }));
      }, timeout);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Writes out what is pending and closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    const waiting = this.waiting;
    if (waiting) this.#log.write(render(waiting));
    await Promise.all([this.#raw[Symbol.asyncDispose](), this.#log[Symbol.asyncDispose]()]);
  }

  #receive(chunk: Buffer): void {
    this.#last = monotonic();
    this.#raw.write(chunk);
    this.#recent = Buffer.concat([this.#recent, chunk]).subarray(-RECENT);
    for (const listener of [...this.#byteListeners]) listener(chunk);
    for (const line of this.#lines.push(chunk, this.#last - this.began)) {
      this.#log.write(render(line));
      if (this.#tail.push(line) > TAIL_LINES) this.#tail.shift();
      for (const listener of [...this.#listeners]) listener(line);
    }
  }
}

function render({ at, text }: ConsoleLine): Buffer {
  return Buffer.from(`${(at / 1000).toFixed(3).padStart(8)} ${printable(text.trimEnd())}\n`);
}
