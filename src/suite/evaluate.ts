import { monotonic, pause } from '../core/index.ts';
import { asGvmError, isGvmError } from '../errors/index.ts';
import { type Answer, collect, type FactRequest } from '../facts/index.ts';
import type { Channel } from '../guest/index.ts';
import type { BootRecord, RunError } from '../schema/index.ts';
import type { ActiveCheck, CheckKind, FactCheck, Finding, Registry } from './check.ts';
import { failureOf } from './failure.ts';
import { expectations } from './matchers/expectations.ts';
import type { Compare } from './matchers/matcher.ts';
import type { PlannedCheck, PlannedTest } from './plan.ts';
import type { TestVerdict } from './verdict.ts';

export interface RunTestOptions {
  /** The way into the guest. */
  channel: Pick<Channel, 'exec'>;
  registry: Registry;
  /** Ends the test; `runTest` then rejects with its reason. */
  signal: AbortSignal;
  /** Factor for every duration: 1 on fast hardware. */
  scale: number;
  /** How the guest booted, as the host saw it. */
  boot?: BootRecord;
}

/** What one check came to, as far as it was tried. */
interface Trial {
  check: PlannedCheck;
  kind: CheckKind;
  findings: Finding[];
  timedOut: boolean;
  /** How often it was asked; shown where it was asked more than once. */
  tries: number;
}

const isActive = (kind: CheckKind): kind is ActiveCheck => 'evaluate' in kind;

/**
 * Runs one test: the facts of all its checks are one snapshot taken in one round trip, then its commands run in the
 * order written. A failing check stops no other, and every failure is reported. Checks with `eventually` that do not
 * hold in the snapshot are asked again, each until its own deadline.
 * @returns the verdict; trouble with the channel is an `error` of it
 * @throws only the signal's reason
 */
export async function runTest(test: PlannedTest, options: RunTestOptions): Promise<TestVerdict> {
  const started = monotonic();
  const run = new TestRun(test, options, started + test.timeout * options.scale);
  const verdict: TestVerdict = { outcome: 'passed', failures: [], durationMs: 0, commands: [], diagnostics: [] };
  if (test.skip !== undefined) return { ...verdict, outcome: 'skipped', reason: test.skip };
  try {
    await run.all();
  } catch (error) {
    options.signal.throwIfAborted();
    verdict.error = errorOf(error);
  }
  verdict.failures = run.trials.flatMap((t) => t.findings.map((f) => failureOf(test, t.check, t.kind, f, t.tries)));
  verdict.commands = run.commands;
  verdict.diagnostics = [...run.diagnostics];
  verdict.durationMs = monotonic() - started;
  if (verdict.error) verdict.outcome = verdict.error.code === 'deadline' ? 'timeout' : 'error';
  else if (run.trials.some((t) => t.timedOut)) verdict.outcome = 'timeout';
  else if (verdict.failures.length > 0) verdict.outcome = 'failed';
  return verdict;
}

class TestRun {
  readonly trials: Trial[];
  readonly commands: TestVerdict['commands'] = [];
  readonly diagnostics = new Set<string>();
  readonly #options: RunTestOptions;
  readonly #deadline: number;
  readonly #compare: Compare;

  constructor(test: PlannedTest, options: RunTestOptions, deadline: number) {
    this.#options = options;
    this.#deadline = deadline;
    this.#compare = expectations(options.registry.matchers).compare;
    this.trials = test.checks.map((check) => {
      const kind = options.registry.checks.find((k) => k.name === check.kind);
      if (!kind) throw new Error(`no check is named ${check.kind}`);
      return { check, kind, findings: [], timedOut: false, tries: 0 };
    });
  }

  async all(): Promise<void> {
    const stating = this.trials.filter((t) => !isActive(t.kind));
    const since = monotonic();
    await this.#snapshot(stating);
    await this.#repeat(stating, since, (open) => this.#snapshot(open));
    for (const trial of this.trials) {
      if (!isActive(trial.kind)) continue;
      const from = monotonic();
      await this.#act(trial);
      await this.#repeat([trial], from, () => this.#act(trial));
    }
  }

  /** Asks again those that did not hold and may still come to, until none is left. */
  async #repeat(trials: readonly Trial[], since: number, ask: (open: Trial[]) => Promise<void>): Promise<void> {
    const { scale, signal } = this.#options;
    const endOf = (t: Trial) => Math.min(this.#deadline, since + (t.check.eventually?.within ?? 0) * scale);
    for (;;) {
      const open = trials.filter((t) => t.check.eventually && t.findings.length > 0 && monotonic() < endOf(t));
      if (open.length === 0) return;
      const wait = Math.min(...open.map((t) => Math.min(t.check.eventually?.every ?? 0, endOf(t) - monotonic())));
      await pause(Math.max(1, wait), signal);
      await ask(open);
    }
  }

  async #snapshot(trials: readonly Trial[]): Promise<void> {
    if (trials.length === 0) return;
    const { channel, registry, signal, scale } = this.#options;
    const asked = trials.map((t) => ({
      trial: t,
      requests: (t.kind as FactCheck).requests(t.check.declaration, scale),
    }));
    const requests: FactRequest[] = asked.flatMap((a) => a.requests);
    const answers = await collect(requests, { facts: registry.facts, channel, signal, timeout: this.#remaining() });
    let at = 0;
    for (const { trial, requests } of asked) {
      const own: Answer[] = answers.slice(at, at + requests.length);
      at += requests.length;
      for (const answer of own) for (const text of answer.diagnostics) this.diagnostics.add(text);
      trial.findings = (trial.kind as FactCheck).judge(trial.check.declaration, own, this.#compare);
      trial.tries++;
    }
  }

  async #act(trial: Trial): Promise<void> {
    const { channel, signal, scale, boot } = this.#options;
    const result = await (trial.kind as ActiveCheck).evaluate(trial.check.declaration, {
      channel,
      signal,
      scale,
      remaining: () => this.#remaining(),
      compare: this.#compare,
      ...(boot ? { boot } : {}),
    });
    trial.findings = result.findings;
    trial.timedOut = result.timedOut;
    trial.tries++;
    // Of a command that is asked again only the last answer is kept.
    if (trial.tries > 1) this.commands.splice(-result.commands.length);
    this.commands.push(...result.commands);
  }

  #remaining(): number {
    return Math.max(1, Math.ceil(this.#deadline - monotonic()));
  }
}

function errorOf(error: unknown): RunError {
  const { code, message, hint, exitCode } = asGvmError(error);
  const blame =
    !isGvmError(error) || exitCode === 70 ? 'unknown' : exitCode === 4 && code !== 'deadline' ? 'host' : 'guest';
  return { code, message, blame, ...(hint === undefined ? {} : { hint }) };
}
