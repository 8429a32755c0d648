import { randomBytes } from 'node:crypto';
import { PassThrough, Writable } from 'node:stream';
import { deferred } from '../../core/index.ts';
import type { RunningCommand } from '../channel.ts';
import { type Exit, inputPiece, MOST_INPUT } from './protocol.ts';

/**
 * One command on the ports. Its caller may let go of it early; the guest is done with it, and fit for the next, only
 * when the shell has exited and both outputs have ended.
 */
export class ConsoleRun implements Omit<RunningCommand, keyof AsyncDisposable> {
  readonly id: number;
  readonly mark = randomBytes(18).toString('hex');
  readonly stdin: Writable;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  /** Resolves when the shell has exited. @throws what the caller's side was given up with */
  readonly exited: Promise<Exit>;
  readonly ended: Promise<Exit>;
  /** The same on the guest's side, whoever still listens; these never reject. */
  readonly shellGone: Promise<Exit>;
  readonly clear: Promise<Exit>;
  /** Whether the shell runs, and whether all is over. */
  busy = true;
  isClear = false;
  readonly #shellGone = deferred<Exit>();
  readonly #clear = deferred<Exit>();
  readonly #given = deferred<never>();
  readonly #input: Writable | undefined;
  #inputOpen: boolean;

  /** @param input the port for input, where the command has one */
  constructor(id: number, input: Writable | undefined) {
    this.id = id;
    this.#input = input;
    this.#inputOpen = input !== undefined;
    this.shellGone = this.#shellGone.promise;
    this.clear = this.#clear.promise;
    this.exited = Promise.race([this.shellGone, this.#given.promise]);
    this.ended = Promise.race([this.clear, this.#given.promise]);
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => this.#send(chunk, done),
      final: (done) => {
        this.#closeInput();
        done();
      },
    });
    for (const promise of [this.exited, this.ended, this.#given.promise]) promise.catch(() => {});
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.on('error', () => {});
  }

  /** The responder told how the shell ended. */
  exit(exit: Exit): void {
    this.#closeInput();
    if (!this.stdin.writableFinished) this.stdin.destroy(new Error('the command ended before its input did'));
    this.busy = false;
    this.#shellGone.resolve(exit);
  }

  /** Both outputs have ended too. */
  finish(exit: Exit): void {
    this.isClear = true;
    this.#clear.resolve(exit);
  }

  /** Lets the caller go; the guest may be busy with the command for a while. */
  giveUp(reason: Error): void {
    this.#closeInput();
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(reason);
    this.#given.reject(reason);
  }

  /** A piece is written whole: the responder counts its bytes. */
  #send(chunk: Buffer, done: (error?: Error | null) => void): void {
    if (!this.#inputOpen || !this.#input) {
      done(new Error('the command takes no input any more'));
      return;
    }
    for (let from = 0; from < chunk.length; from += MOST_INPUT) {
      const last = from + MOST_INPUT >= chunk.length;
      this.#input.write(inputPiece(chunk.subarray(from, from + MOST_INPUT)), last ? done : undefined);
    }
    if (chunk.length === 0) done();
  }

  #closeInput(): void {
    if (!this.#inputOpen) return;
    this.#inputOpen = false;
    this.#input?.write(inputPiece(Buffer.alloc(0)));
  }
}
