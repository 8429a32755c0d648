import { join } from 'node:path';
import { type BrokerClient, connectBroker } from '../lab/index.ts';
import { loadPlugins, withPlugins } from '../plugin/index.ts';
import { builtins, type Registry, type TestVerdict } from '../suite/index.ts';
import { toRunError } from './failure.ts';
import { GuestAccess, type Lessee } from './guest-access.ts';
import type { Diagnosis } from './leases.ts';
import type { WorkerContext } from './runner.ts';

/** What became of a test: its verdict, the guest that it ran in, and what its body threw. */
export interface SessionResult {
  verdict: TestVerdict;
  guest?: string;
  thrown?: unknown;
}

interface Entered {
  access: GuestAccess;
  registry: Registry;
}

/**
 * One suite in one worker: leases its guest from the main process and keeps one connection into it, or leases a fork of
 * it for each test.
 */
export class WorkerSession implements AsyncDisposable {
  /** Where what is brought out of the guest goes. */
  readonly output: string;
  /** How often a test is tried again. */
  readonly retries: number;
  readonly #context: WorkerContext;
  readonly #suite: string;
  #broker: Promise<BrokerClient> | undefined;
  #entered: Promise<Entered> | undefined;

  /**
   * @param suite the key of the suite
   * @param name its name, after which the folder for what it brings out is called
   */
  constructor(context: WorkerContext, suite: string, name: string) {
    this.output = join(context.output, 'files', name.replace(/[^\w.+-]+/g, '_'));
    this.retries = context.retries;
    this.#context = context;
    this.#suite = suite;
  }

  /**
   * Does something in the guest. Whatever goes wrong becomes the verdict; what was cut of its network is put back.
   * @param test the id of a test that has a fork of the guest for itself
   */
  async inGuest(
    signal: AbortSignal,
    act: (access: GuestAccess, registry: Registry) => Promise<SessionResult>,
    test?: string,
  ): Promise<SessionResult> {
    const lessee: Lessee = { suite: this.#suite, ...(test === undefined ? {} : { test }) };
    let own: Entered | undefined;
    let guest: string | undefined;
    try {
      if (test === undefined) this.#entered ??= this.#enter(lessee, signal);
      else own = await this.#fork(lessee, signal);
      const { access, registry } = own ?? (await (this.#entered as Promise<Entered>));
      guest = access.guest;
      const { verdict, ...more } = await act(access, registry);
      guest = access.guest;
      const lost = verdict.outcome === 'error' ? await this.#diagnose(lessee) : undefined;
      if (lost?.error) verdict.error = lost.error;
      else {
        await this.#pause(lessee, verdict, signal);
        await access.restore(signal);
      }
      return { ...more, verdict, guest };
    } catch (thrown) {
      if (signal.aborted) return { verdict: emptyVerdict('skipped', { reason: 'the run was interrupted' }) };
      const found = await this.#diagnose(lessee);
      const error = found?.error ?? toRunError(thrown);
      // One that never became ready has a name as well.
      guest ??= found?.guest;
      return { verdict: emptyVerdict('error', { error }), thrown, ...(guest === undefined ? {} : { guest }) };
    } finally {
      if (test !== undefined) await this.#leave(own, lessee);
    }
  }

  /** Where it was asked for, the guest stays as a failed test left it until a person lets it go. */
  async #pause(lessee: Lessee, { outcome, failures }: TestVerdict, signal: AbortSignal): Promise<void> {
    if (!this.#context.pauses || (outcome !== 'failed' && outcome !== 'timeout')) return;
    const broker = await this.#broker;
    await broker?.call('pause', { ...lessee, why: failures[0]?.message ?? outcome }, signal);
  }

  /** A guest for one test. What a setup was done through is closed before: it would be frozen as well. */
  async #fork(lessee: Lessee, signal: AbortSignal): Promise<Entered> {
    const prepared = await this.#entered?.catch(() => undefined);
    this.#entered = undefined;
    await prepared?.access[Symbol.asyncDispose]();
    return await this.#enter(lessee, signal);
  }

  /** Lets a guest that is gone be replaced by another one. @returns whether it was */
  async renew(test?: string): Promise<boolean> {
    const entered = await this.#entered?.catch(() => undefined);
    this.#entered = undefined;
    await entered?.access[Symbol.asyncDispose]();
    const broker = await this.#broker?.catch(() => undefined);
    const answer = await broker?.call('renew', { suite: this.#suite, ...(test === undefined ? {} : { test }) });
    return (answer as { renewed?: boolean } | undefined)?.renewed === true;
  }

  async #leave(own: Entered | undefined, lessee: Lessee): Promise<void> {
    await own?.access[Symbol.asyncDispose]();
    const broker = await this.#broker?.catch(() => undefined);
    await broker?.call('release', lessee);
  }

  async #enter(lessee: Lessee, signal: AbortSignal): Promise<Entered> {
    const registry = withPlugins(builtins, await loadPlugins(this.#context.plugins));
    this.#broker ??= connectBroker(this.#context.socket);
    return {
      access: await GuestAccess.open(await this.#broker, this.#context.channels, lessee, signal),
      registry,
    };
  }

  /** What the main process knows about a guest that stopped answering. */
  async #diagnose(lessee: Lessee): Promise<Diagnosis | undefined> {
    const broker = await this.#broker?.catch(() => undefined);
    return (await broker?.call('diagnose', lessee).catch(() => undefined)) as Diagnosis | undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const entered = await this.#entered?.catch(() => undefined);
    await entered?.access[Symbol.asyncDispose]();
    const broker = await this.#broker?.catch(() => undefined);
    await broker?.call('release', { suite: this.#suite });
    await broker?.[Symbol.asyncDispose]();
  }
}

export function emptyVerdict(outcome: TestVerdict['outcome'], more: Partial<TestVerdict>): TestVerdict {
  return { outcome, failures: [], durationMs: 0, commands: [], diagnostics: [], ...more };
}
