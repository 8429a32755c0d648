import { type PlannedTest, type Registry, runTest, type SuitePlan } from '../suite/index.ts';
import type { GuestAccess } from './guest-access.ts';
import { withRetries } from './retry.ts';
import type { WorkerContext } from './runner.ts';
import { emptyVerdict, type SessionResult, WorkerSession } from './session.ts';

/** One YAML suite in one worker. */
export class PlannedSession extends WorkerSession {
  readonly #forks: boolean;
  /** What has to be done again in another guest. */
  #setup: PlannedTest | undefined;
  /** Why no test of the suite can be run: its setup failed. */
  #unprepared: string | undefined;

  constructor(context: WorkerContext, { key, name, isolation }: Pick<SuitePlan, 'key' | 'name' | 'isolation'>) {
    super(context, key, name);
    this.#forks = isolation === 'fork';
  }

  /** Runs one planned test. */
  async run(planned: PlannedTest, signal: AbortSignal): Promise<SessionResult> {
    const { skip, role } = planned;
    const reason = skip ?? (role === undefined ? this.#unprepared : undefined);
    if (reason !== undefined) return { verdict: emptyVerdict('skipped', { reason }) };
    if (role === 'setup') this.#setup = planned;
    const act = this.#running(planned, signal);
    const fork = this.#forks && role === undefined ? planned.id : undefined;
    const result = await withRetries({
      // A setup that is done twice is another one.
      retries: role === undefined ? this.retries : 0,
      signal,
      attempt: () => this.inGuest(signal, act, fork),
      renew: async () => {
        const renewed = await this.renew(fork);
        if (renewed && !this.#forks && role === undefined && this.#setup)
          await this.inGuest(signal, this.#running(this.#setup, signal));
      },
    });
    const { outcome, failures, error } = result.verdict;
    if (role === 'setup' && outcome !== 'passed' && outcome !== 'skipped')
      this.#unprepared = `the setup of the suite failed: ${failures[0]?.message ?? error?.message ?? outcome}`;
    return result;
  }
  #running(planned: PlannedTest, signal: AbortSignal) {
    return async (access: GuestAccess, registry: Registry): Promise<SessionResult> => {
      const { channel, scale, place, boot } = access;
      const { output } = this;
      const guest = { channel, scale, place, boot, control: access };
      return { verdict: await runTest(planned, { ...guest, signal, registry, output }) };
    };
  }
}
