import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { anySignal, type Deferred, deferred, monotonic, within } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { Capture } from '../capture.ts';
import type { Channel, CommandResult, ExecOptions, RunningCommand, Shell, StartOptions } from '../channel.ts';
import { deadlinePassed, MAX_OUTPUT, timeoutOf } from '../exec-rules.ts';
import { assertFits, commandScript } from '../script.ts';
import { MarkedStream } from './marked-stream.ts';
import { helloRequest, type InputKind, inputReset, parseAnswer, runningRequest, runRequest } from './protocol.ts';
import { ConsoleRun } from './run.ts';
import type { WaitingShell } from './waiting-shell.ts';

/** gvm's ends of a guest's three ports. */
export interface ConsolePorts {
  /** Requests and answers. */
  control: Duplex;
  /** A command's input and output. */
  data: Duplex;
  /** A command's standard error. */
  errors: Duplex;
}

/** Milliseconds before scaling: for the responder's greeting, between two of ours, for a killed command to be gone. */
const GREETING = 20_000;
const GREET_AGAIN = 1000;
const WINDING_DOWN = 5000;
const KILL_AGAIN = 500;
const LONGEST_LINE = 4096;
/**
 * Output goes through a process of the guest, which a busy one is slow to run: it gets longer than over SSH. Only what is
 * left behind, and keeps the output open, is waited for so long.
 */
const OUTPUT = 1000;

/**
 * Commands over virtio-serial ports, answered by a responder in the guest: no network and no login. One runs at a time,
 * the others wait for their turn, and a deadline counts from its own command's start. A guest that restarts ends the
 * command that runs with `channel-closed`; the next one greets the new responder first.
 */
export class ConsoleChannel implements Channel {
  readonly kind = 'console';
  readonly closed: Promise<GvmError | undefined>;
  readonly #closed = deferred<GvmError | undefined>();
  readonly #ports: ConsolePorts;
  readonly #scale: number;
  readonly #shell: WaitingShell | undefined;
  readonly #output: MarkedStream;
  readonly #errors: MarkedStream;
  #end: GvmError | undefined;
  /** The token of the responder that greeted us; none before, and after it was lost. */
  #session: string | undefined;
  #greeting: { session: string; heard: Deferred<void> } | undefined;
  /** Whether a responder holds the ports open, as far as QEMU has told. */
  #opened = false;
  #run: ConsoleRun | undefined;
  #count = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #line = '';

  /**
   * @param scale what all deadlines are multiplied by
   * @param shell a shell of the guest from which a responder is started where there is none
   */
  constructor(ports: ConsolePorts, scale: number, shell?: WaitingShell) {
    this.#ports = ports;
    this.#scale = scale;
    this.#shell = shell;
    this.closed = this.#closed.promise;
    this.#output = new MarkedStream(ports.data);
    this.#errors = new MarkedStream(ports.errors);
    ports.control.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    for (const port of Object.values(ports) as Duplex[]) {
      port.on('error', () => {});
      port.on('close', () => this.#close(closedError('QEMU closed the ports')));
    }
  }

  /** To be told when the responder opened its port or let go of it: a guest that restarts does. */
  guestChanged(open: boolean): void {
    this.#opened = open;
    if (open) this.#greet();
    else {
      this.#session = undefined;
      this.#run?.giveUp(closedError('the guest restarted, or its responder ended'));
    }
  }

  async exec(command: string, options: ExecOptions = {}): Promise<CommandResult> {
    const script = scriptOf(command, options.env);
    const release = await this.#take(options.signal);
    const timeout = timeoutOf(options);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeout);
    const stdout = new Capture(options.maxOutput ?? MAX_OUTPUT, options.onStdout);
    const stderr = new Capture(options.maxOutput ?? MAX_OUTPUT, options.onStderr);
    const either = anySignal(options.signal, late.signal);
    let run: ConsoleRun | undefined;
    try {
      const began = monotonic();
      run = await this.#begin(script, options.direct ? 'direct' : 'none', either);
      run.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
      run.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
      const exit = await orAborted(run.exited, either);
      const durationMs = monotonic() - began;
      await within(run.ended, OUTPUT * this.#scale);
      const outputs = { stdout: stdout.end(), stderr: stderr.end() };
      return { ...exit, ...outputs, truncated: stdout.truncated || stderr.truncated, durationMs };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (late.signal.aborted) throw deadlinePassed(command, timeout, stdout.end(), stderr.end());
      throw error;
    } finally {
      clearTimeout(timer);
      stdout.end();
      stderr.end();
      void this.#windDown(run).finally(release);
    }
  }

  async start(command: string, options: StartOptions = {}): Promise<RunningCommand> {
    const script = scriptOf(command, options.env);
    const { signal } = options;
    const release = await this.#take(signal);
    let run: ConsoleRun;
    try {
      run = await this.#begin(script, 'input', signal);
    } catch (error) {
      release();
      throw error;
    }
    const onAbort = () => run.giveUp(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const over = run.ended
      .catch(() => {})
      .then(() => this.#windDown(run))
      .finally(() => {
        signal?.removeEventListener('abort', onAbort);
        release();
      });
    const { stdin, stdout, stderr, ended } = run;
    return {
      ...{ stdin, stdout, stderr, ended },
      async [Symbol.asyncDispose]() {
        run.giveUp(closedError('the command was given up'));
        await over;
      },
    };
  }

  /**
   * Begins anew with the responder, which is idle then: it has nothing left to do for the commands before.
   * @throws GvmError `channel-closed`; or the signal's reason
   */
  async greet(signal: AbortSignal): Promise<void> {
    const release = await this.#take(signal);
    try {
      this.#session = undefined;
      await this.#meet(signal);
    } finally {
      release();
    }
  }

  async shell(): Promise<Shell> {
    throw new GvmError({
      code: 'usage',
      message: 'the console channel has commands, and no terminal',
      hint: 'gvm console enters the serial console, gvm ssh a shell over the network',
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close(undefined);
  }

  /** Waits for its turn. @returns what gives the turn to the next */
  async #take(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    const before = this.#turn;
    const turn = deferred<void>();
    this.#turn = before.then(() => turn.promise);
    try {
      await orAborted(before, signal);
    } catch (error) {
      turn.resolve();
      throw error;
    }
    return turn.resolve;
  }

  async #begin(script: Buffer, input: InputKind, signal: AbortSignal | undefined): Promise<ConsoleRun> {
    const session = this.#session ?? (await this.#meet(signal));
    const run = new ConsoleRun(++this.#count, input === 'input' ? this.#ports.data : undefined);
    this.#run = run;
    const outputs = [this.#output.pass(run.mark, run.stdout), this.#errors.pass(run.mark, run.stderr)];
    void Promise.all([run.shellGone, ...outputs]).then(([exit]) => run.finish(exit));
    this.#ports.control.write(runRequest(session, run.id, script, run.mark, input));
    return run;
  }

  /** Leaves the guest free for the next command; where that does not work, the next one greets it anew. */
  async #windDown(run: ConsoleRun | undefined): Promise<void> {
    const session = this.#session;
    if (!run || session === undefined) return this.#forget();
    const ask = (word: 'kill' | 'cut' | 'done') => this.#ports.control.write(runningRequest(session, word));
    const until = monotonic() + WINDING_DOWN * this.#scale;
    const patience = () => Math.max(0, until - monotonic());
    const gone = () =>
      within(Promise.race([run.shellGone, this.closed]), Math.min(patience(), KILL_AGAIN * this.#scale));
    // The first request may come before the shell has said which process it is.
    while (run.busy && patience() > 0 && this.#session === session) {
      ask('kill');
      await gone();
    }
    if (!run.isClear) {
      ask('cut');
      await within(Promise.race([run.clear, this.closed]), patience());
    }
    if (run.isClear) ask('done');
    else if (this.#session === session) this.#session = undefined;
    this.#forget();
  }

  #forget(): void {
    this.#run = undefined;
    this.#output.stop();
    this.#errors.stop();
  }

  /** Exchanges greetings with the responder. @throws GvmError `channel-closed` where it does not answer */
  async #meet(signal: AbortSignal | undefined): Promise<string> {
    const session = `s${randomBytes(16).toString('hex')}`;
    const heard = deferred<void>();
    this.#greeting = { session, heard };
    const until = monotonic() + GREETING * this.#scale;
    try {
      if (!this.#opened) await this.#shell?.startResponder(GREETING * this.#scale, signal);
      while (this.#session !== session) {
        if (this.#end) throw this.#end;
        if (monotonic() > until) throw closedError('the responder in the guest does not answer (service gvm-channel)');
        this.#greet();
        await within(Promise.race([heard.promise, this.closed]), GREET_AGAIN * this.#scale, signal);
      }
      return session;
    } finally {
      this.#greeting = undefined;
    }
  }

  #greet(): void {
    if (!this.#greeting) return;
    this.#ports.data.write(inputReset(this.#greeting.session));
    this.#ports.control.write(helloRequest(this.#greeting.session));
  }

  #read(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop()?.slice(-LONGEST_LINE) ?? '';
    for (const line of lines) this.#heed(line);
  }

  #heed(line: string): void {
    const answer = parseAnswer(line, this.#greeting?.session ?? this.#session ?? '');
    if (answer?.kind === 'hello' && this.#greeting) {
      this.#session = this.#greeting.session;
      this.#greeting.heard.resolve();
    }
    if (answer?.kind === 'ended' && answer.id === this.#run?.id) this.#run.exit(answer.exit);
  }

  #close(reason: GvmError | undefined): void {
    this.#end ??= reason ?? closedError('the channel is closed');
    this.#session = undefined;
    this.#run?.giveUp(this.#end);
    this.#closed.resolve(reason);
  }
}

function scriptOf(command: string, env: ExecOptions['env']): Buffer {
  const script = commandScript(command, env);
  assertFits(script);
  return Buffer.from(script);
}

function closedError(why: string): GvmError {
  return new GvmError({ code: 'channel-closed', message: `the console channel into the guest broke: ${why}` });
}

/** A wait that ends early with the signal's reason. */
async function orAborted<T>(wait: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await wait;
  signal.throwIfAborted();
  const aborted = deferred<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([wait, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
