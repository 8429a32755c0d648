import { parseDuration } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import {
  collect,
  type FileValue,
  type KernelValue,
  type MountValue,
  type OpenrcValue,
  type PortValue,
  type ProcessValue,
  type ServiceValue,
  type UserValue,
} from '../facts/index.ts';
import { download, upload } from '../guest/index.ts';
import type { Failure } from '../schema/index.ts';
import { looseTest, type Registry, runTest, type TestVerdict } from '../suite/index.ts';
import type { GuestAccess } from './guest-access.ts';

/** Checks as a test of a YAML suite has them: the kind, and what is expected. */
export type ScriptChecks = Readonly<Record<string, unknown>>;

export interface ScriptCommandResult {
  /** Null where a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  durationMs: number;
}

/** What the body of a test gets. */
export interface ScriptFixtures {
  guest: ScriptGuest;
}

/** Facts by name, with the types of what they tell. */
interface FactValues {
  file: FileValue;
  kernel: KernelValue;
  mount: MountValue;
  openrc: OpenrcValue;
  port: PortValue;
  process: ProcessValue;
  service: ServiceValue;
  user: UserValue;
}

/** Checks that do not hold. */
export class CheckFailure extends Error {
  readonly failures: readonly Failure[];

  constructor(failures: readonly Failure[]) {
    super(failures.map(({ message }) => message).join('\n'));
    this.name = 'CheckFailure';
    this.failures = failures;
  }
}

interface ScriptGuestOptions {
  registry: Registry;
  signal: AbortSignal;
  /** Where what is brought out of the guest goes. */
  output: string;
  /** Milliseconds that are left of the test. */
  remaining: () => number;
}

/** The guest of a suite, for one test. Durations are text such as `30s`, before scaling. */
export class ScriptGuest {
  readonly name: string;
  /** What all durations are multiplied by. */
  readonly scale: number;
  readonly commands: TestVerdict['commands'] = [];
  readonly #access: GuestAccess;
  readonly #registry: Registry;
  readonly #signal: AbortSignal;
  readonly #output: string;
  readonly #remaining: () => number;

  constructor(access: GuestAccess, { registry, signal, output, remaining }: ScriptGuestOptions) {
    this.name = access.guest;
    this.scale = access.scale;
    this.#access = access;
    this.#registry = registry;
    this.#signal = signal;
    this.#output = output;
    this.#remaining = remaining;
  }

  /**
   * Runs a command under `/bin/sh -c`, whatever its exit code.
   * @throws GvmError `deadline`, `channel-closed`
   */
  async exec(
    command: string,
    options: { timeout?: string; env?: Readonly<Record<string, string>> } = {},
  ): Promise<ScriptCommandResult> {
    const { timeout, env } = options;
    const limit = timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds(timeout) * this.scale;
    const result = await this.#access.channel.exec(command, {
      timeout: Math.min(limit, this.#remaining()),
      signal: this.#signal,
      ...(env === undefined ? {} : { env }),
    });
    const { exitCode, signal, durationMs } = result;
    const [stdout, stderr] = [result.stdout.toString('utf8'), result.stderr.toString('utf8')];
    this.commands.push({
      run: command,
      exitCode,
      durationMs,
      stdout: stdout.slice(-4000),
      stderr: stderr.slice(-4000),
    });
    return { exitCode, signal, stdout, stderr, durationMs };
  }

  /** Learns one fact. @throws GvmError `usage` where there is none; CheckFailure why it could not be learned */
  async fact<K extends keyof FactValues>(fact: K, args?: object): Promise<FactValues[K]>;
  async fact(fact: string, args?: object): Promise<unknown>;
  async fact(fact: string, args: object = {}): Promise<unknown> {
    const { facts } = this.#registry;
    if (!facts.some(({ name }) => name === fact))
      throw new GvmError({ code: 'usage', message: `no fact is called ${fact}` });
    const options = { facts, channel: this.#access.channel, signal: this.#signal, timeout: this.#remaining() };
    const [answer] = await collect([{ fact, args }], options);
    if (answer?.value !== undefined) return answer.value;
    throw new CheckFailure([this.#failure(fact, `could not be learned: ${answer?.diagnostics.join('; ')}`)]);
  }

  /** What of these checks does not hold. @throws GvmError `usage` for what is no check, or of the channel */
  async failuresOf(checks: ScriptChecks): Promise<readonly Failure[]> {
    const planned = looseTest(checks, this.#registry, '');
    const verdict = await runTest(
      { ...planned, timeout: this.#remaining() / this.scale },
      {
        channel: this.#access.channel,
        control: this.#access,
        boot: this.#access.boot,
        place: this.#access.place,
        output: this.#output,
        registry: this.#registry,
        scale: this.scale,
        signal: this.#signal,
      },
    );
    if (verdict.error) throw new GvmError({ code: 'guest-lost', message: verdict.error.message });
    this.commands.push(...verdict.commands);
    return verdict.failures.map(({ position: _, ...failure }) => failure);
  }

  /** Asks for checks as a YAML suite does. @throws CheckFailure with all that does not hold */
  async check(checks: ScriptChecks): Promise<void> {
    const failures = await this.failuresOf(checks);
    if (failures.length > 0) throw new CheckFailure(failures);
  }

  /** Copies a file or folder into the guest. `from` is relative to the working directory of the process. */
  async upload(from: string, to: string, options: { mode?: number; owner?: string } = {}): Promise<void> {
    await upload(this.#access.channel, { ...options, from, to, ...this.#transfer() });
  }

  /** Copies a file or folder out of the guest. */
  async download(from: string, to: string): Promise<void> {
    await download(this.#access.channel, { from, to, ...this.#transfer() });
  }

  /** Lets the guest reboot and waits until it is ready again. */
  async reboot(options: { timeout?: string } = {}): Promise<{ readyMs: number }> {
    return await this.#restart('reboot', options);
  }

  /** Takes the power away, gives it back and waits until the guest is ready again. */
  async crash(options: { timeout?: string } = {}): Promise<{ readyMs: number }> {
    return await this.#restart('crash', options);
  }

  /** Pulls the network cables, or puts them back; after the test they are back in any case. */
  async network(state: 'cut' | 'restored'): Promise<void> {
    await this.#access.network(state === 'restored', this.#signal);
  }

  #transfer() {
    return { timeout: this.#remaining(), signal: this.#signal };
  }

  #restart(how: 'reboot' | 'crash', { timeout }: { timeout?: string }): Promise<{ readyMs: number }> {
    const wait = timeout === undefined ? {} : { timeout: milliseconds(timeout) };
    return this.#access.restart(how, { ...wait, signal: this.#signal });
  }

  #failure(check: string, message: string): Failure {
    return { check, path: [], message };
  }
}

function milliseconds(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new GvmError({ code: 'usage', message: `no duration: ${text}`, hint: 'a duration is 500ms, 30s or 2m' });
}
