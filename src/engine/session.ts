import { type Channel, openSsh } from '../guest/index.ts';
import { type BrokerClient, connectBroker } from '../lab/index.ts';
import type { BootRecord, RunError } from '../schema/index.ts';
import { builtins, type PlannedTest, runTest, type TestVerdict } from '../suite/index.ts';
import { fromRunError, toRunError } from './failure.ts';
import type { LeaseAnswer } from './leases.ts';
import type { WorkerContext } from './runner.ts';

interface Entered {
  guest: string;
  scale: number;
  channel: Channel;
  /** How it booted. */
  boot: BootRecord;
}

/** One suite in one worker: leases its guest from the main process and keeps one connection into it. */
export class WorkerSession implements AsyncDisposable {
  readonly #context: WorkerContext;
  readonly #suite: string;
  #broker: Promise<BrokerClient> | undefined;
  #entered: Promise<Entered> | undefined;

  constructor(context: WorkerContext, suite: string) {
    this.#context = context;
    this.#suite = suite;
  }

  /** Runs one planned test. Whatever goes wrong becomes its verdict. */
  async run(planned: PlannedTest, signal: AbortSignal): Promise<{ verdict: TestVerdict; guest?: string }> {
    if (planned.skip !== undefined) return { verdict: emptyVerdict('skipped', { reason: planned.skip }) };
    let guest: string | undefined;
    try {
      const entered = await this.#enter(signal);
      guest = entered.guest;
      const { channel, scale, boot } = entered;
      const verdict = await runTest(planned, { channel, signal, scale, boot, registry: builtins });
      const lost = verdict.outcome === 'error' ? await this.#diagnose() : undefined;
      if (lost) verdict.error = lost;
      return { verdict, guest };
    } catch (thrown) {
      if (signal.aborted) return { verdict: emptyVerdict('skipped', { reason: 'the run was interrupted' }) };
      const error = (await this.#diagnose()) ?? toRunError(thrown);
      return { verdict: emptyVerdict('error', { error }), ...(guest === undefined ? {} : { guest }) };
    }
  }

  #enter(signal: AbortSignal): Promise<Entered> {
    this.#entered ??= this.#open(signal);
    return this.#entered;
  }

  async #open(signal: AbortSignal): Promise<Entered> {
    this.#broker ??= connectBroker(this.#context.socket);
    const broker = await this.#broker;
    const answer = (await broker.call('lease', { suite: this.#suite }, signal)) as LeaseAnswer;
    if ('error' in answer) throw fromRunError(answer.error);
    const channel = await openSsh(answer.address, { signal, scale: answer.scale });
    return { guest: answer.guest, scale: answer.scale, boot: answer.boot, channel };
  }

  /** What the main process knows about a guest that stopped answering. */
  async #diagnose(): Promise<RunError | undefined> {
    const broker = await this.#broker?.catch(() => undefined);
    const answer = await broker?.call('diagnose', { suite: this.#suite }).catch(() => undefined);
    return (answer as { error?: RunError } | undefined)?.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const entered = await this.#entered?.catch(() => undefined);
    await entered?.channel[Symbol.asyncDispose]();
    const broker = await this.#broker?.catch(() => undefined);
    await broker?.call('release', { suite: this.#suite });
    await broker?.[Symbol.asyncDispose]();
  }
}

function emptyVerdict(outcome: TestVerdict['outcome'], more: Partial<TestVerdict>): TestVerdict {
  return { outcome, failures: [], durationMs: 0, commands: [], diagnostics: [], ...more };
}
