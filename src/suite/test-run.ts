import { monotonic, pause } from '../core/index.ts';
import { type Answer, collect, type FactRequest } from '../facts/index.ts';
import type { ActiveCheck, CheckKind, FactCheck, Finding } from './check.ts';
import { type ConditionContext, stillKnown, whyNot } from './conditions.ts';
import type { RunTestOptions } from './evaluate.ts';
import { expectations } from './matchers/expectations.ts';
import type { Compare } from './matchers/matcher.ts';
import type { PlannedCheck, PlannedTest } from './plan.ts';
import type { TestPoint } from './points/point.ts';
import { uncontrolled } from './steps/uncontrolled.ts';
import type { TestVerdict } from './verdict.ts';

/** What one check came to, as far as it was tried. */
export interface Trial {
  check: PlannedCheck;
  kind: CheckKind;
  findings: Finding[];
  timedOut: boolean;
  /** How often it was asked; shown where it was asked more than once. */
  tries: number;
  /** Why it was not. */
  skipped?: string;
  /** What a program reported that it ran. */
  points?: TestPoint[];
}

const isActive = (kind: CheckKind): kind is ActiveCheck => 'evaluate' in kind;

/** One test on its way. */
export class TestRun {
  readonly #steps: Trial[][];
  readonly commands: TestVerdict['commands'] = [];
  readonly diagnostics = new Set<string>();
  readonly #options: RunTestOptions;
  readonly #deadline: number;
  readonly #compare: Compare;
  readonly #milestones: readonly number[];

  constructor(test: PlannedTest, options: RunTestOptions, deadline: number) {
    this.#options = options;
    this.#deadline = deadline;
    this.#compare = expectations(options.registry.matchers).compare;
    const start = (check: PlannedCheck): Trial => {
      const kind = options.registry.checks.find((k) => k.name === check.kind);
      if (!kind) throw new Error(`no check is named ${check.kind}`);
      return { check, kind, findings: [], timedOut: false, tries: 0 };
    };
    this.#steps = test.steps.map((step) => step.map(start));
    this.#milestones = test.milestones ?? [];
  }

  get trials(): readonly Trial[] {
    return this.#steps.flat();
  }

  conditionContext(): ConditionContext {
    const { channel, place, signal } = this.#options;
    return { channel, place, signal, timeout: this.#remaining() };
  }

  async all(): Promise<void> {
    const { today = new Date(), control, signal } = this.#options;
    for (const [i, step] of this.#steps.entries()) {
      await this.#step(step);
      const counts = ({ xfail }: PlannedCheck) => xfail === undefined || !stillKnown(xfail, today);
      if (step.some(({ findings, check }) => findings.length > 0 && counts(check))) return;
      if (!this.#milestones.includes(i)) continue;
      if (!control) throw uncontrolled('milestone');
      await control.milestone(signal);
    }
  }

  async #step(step: readonly Trial[]): Promise<void> {
    for (const trial of step) {
      const reason = await whyNot(trial.check, this.conditionContext());
      if (reason !== undefined) trial.skipped = reason;
    }
    const run = step.filter((trial) => trial.skipped === undefined);
    const stating = run.filter((t) => !isActive(t.kind));
    const since = monotonic();
    await this.#snapshot(stating);
    await this.#repeat(stating, since, (open) => this.#snapshot(open));
    for (const trial of run) {
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
    const { channel, control, signal, scale, boot } = this.#options;
    const result = await (trial.kind as ActiveCheck).evaluate(trial.check.declaration, {
      channel,
      control,
      signal,
      scale,
      remaining: () => this.#remaining(),
      compare: this.#compare,
      output: this.#options.output,
      ...(boot ? { boot } : {}),
    });
    trial.findings = result.findings;
    trial.timedOut = result.timedOut;
    trial.tries++;
    // Of a command that is asked again only the last answer is kept.
    if (trial.tries > 1) this.commands.splice(this.commands.length - result.commands.length);
    this.commands.push(...result.commands);
    trial.points = result.points ?? [];
  }

  #remaining(): number {
    return Math.max(1, Math.ceil(this.#deadline - monotonic()));
  }
}
