import { monotonic } from '../core/index.ts';
import { type Answer, collectOffline, type PoweredOff } from '../facts/index.ts';
import type { CheckKind, FactCheck, Registry } from './check.ts';
import { errorOf } from './evaluate.ts';
import { expectations } from './matchers/expectations.ts';
import type { Conditions, PlannedCheck, PlannedTest } from './plan.ts';
import type { Trial } from './test-run.ts';
import type { TestVerdict } from './verdict.ts';
import { judgeTest } from './xfail.ts';

export interface OfflineOptions {
  disk: PoweredOff;
  registry: Registry;
  /** The day by which `until` is judged. Default: now. */
  today?: Date;
}

const STEPS = 'steps act in a running guest';
const RUNS = 'it acts in a running guest';

/** A check as far as a powered-off disk can answer it, and the rest of it. */
interface Trials {
  asked: Trial | undefined;
  left: Trial[];
}

/**
 * Runs one test against a powered-off disk: the checks that state facts which a disk holds are judged as in a guest.
 * All else of it is skipped with the reason: steps, commands, facts and keys of a check that only a guest can tell.
 * @throws the signal's reason; GvmError of the disk's server
 */
export async function runTestOffline(test: PlannedTest, options: OfflineOptions): Promise<TestVerdict> {
  const started = monotonic();
  const { disk, registry, today = new Date() } = options;
  const verdict: TestVerdict = { outcome: 'passed', failures: [], durationMs: 0, commands: [], diagnostics: [] };
  const reason = whyNotOffline(test) ?? (isStepped(test) ? STEPS : undefined);
  if (reason !== undefined) return { ...verdict, outcome: 'skipped', reason };
  const split = test.steps.flat().map((check) => splitCheck(check, kindOf(check, registry)));
  const trials = split.flatMap(({ asked, left }) => [...(asked ? [asked] : []), ...left]);
  try {
    await judge(
      split.flatMap(({ asked }) => asked ?? []),
      options,
      verdict,
    );
  } catch (error) {
    disk.signal?.throwIfAborted();
    verdict.error = errorOf(error);
  }
  return judgeTest(test, trials, { ...verdict, durationMs: monotonic() - started }, today);
}

async function judge(asked: readonly Trial[], { disk, registry }: OfflineOptions, verdict: TestVerdict): Promise<void> {
  const { compare } = expectations(registry.matchers);
  const requests = asked.map((trial) => (trial.kind as FactCheck).requests(trial.check.declaration, 1));
  const answers = await collectOffline(requests.flat(), { facts: registry.facts, disk });
  const said = new Set<string>();
  let at = 0;
  for (const [i, trial] of asked.entries()) {
    const own: Answer[] = answers.slice(at, at + (requests[i]?.length ?? 0));
    at += own.length;
    for (const answer of own) for (const text of answer.diagnostics) said.add(text);
    const unanswerable = own.find((answer) => answer.unanswerable !== undefined)?.unanswerable;
    if (unanswerable !== undefined) trial.skipped = unanswerable;
    else {
      trial.findings = (trial.kind as FactCheck).judge(trial.check.declaration, own, compare);
      trial.tries = 1;
    }
  }
  verdict.diagnostics = [...said];
}

/** Steps stand in the document under a key of their own; a test with checks is one snapshot. */
function isStepped({ steps, path, role }: PlannedTest): boolean {
  return (
    role !== undefined || steps.length !== 1 || steps[0]?.some((check) => check.path[path.length] === 'steps') === true
  );
}

function whyNotOffline({ skip, needs = [], onlyIf }: Conditions): string | undefined {
  if (skip !== undefined) return skip;
  if (onlyIf !== undefined) return 'only_if asks a running guest';
  const key = needs.flatMap((part) => Object.keys(part))[0];
  return key === undefined ? undefined : `needs ${key}: no guest runs`;
}

function kindOf(check: PlannedCheck, registry: Registry): CheckKind {
  const kind = registry.checks.find((k) => k.name === check.kind);
  if (!kind) throw new Error(`no check is named ${check.kind}`);
  return kind;
}

/** Takes apart what a disk can answer of a check and what it cannot. */
function splitCheck(check: PlannedCheck, kind: CheckKind): Trials {
  const trial = (own: PlannedCheck, skipped?: string): Trial => ({
    check: own,
    kind,
    findings: [],
    timedOut: false,
    tries: 0,
    ...(skipped === undefined ? {} : { skipped }),
  });
  const reason = whyNotOffline(check) ?? ('evaluate' in kind ? RUNS : undefined);
  if (reason !== undefined) return { asked: undefined, left: [trial(check, reason)] };
  const { rest, taken } = withoutKeys(check.declaration, (kind as FactCheck).live ?? []);
  const left = taken.map((path) =>
    trial({ ...check, path: [...check.path, ...path] }, `only a running guest can tell ${path.join('.')}`),
  );
  const asserts = Object.keys(rest).some((key) => key !== kind.subject);
  if (taken.length > 0 && !asserts) return { asked: undefined, left };
  return { asked: trial({ ...check, declaration: rest }), left };
}

/** A declaration without some keys, `*` in a path being any; what is empty then goes as well. */
function withoutKeys(
  declaration: Record<string, unknown>,
  live: readonly string[],
): { rest: Record<string, unknown>; taken: string[][] } {
  const taken: string[][] = [];
  const strip = (value: Record<string, unknown>, at: string[]): Record<string, unknown> => {
    const kept = Object.entries(value).flatMap(([key, own]): [string, unknown][] => {
      const path = [...at, key];
      if (live.some((pattern) => fits(pattern.split('.'), path))) {
        taken.push(path);
        return [];
      }
      const inner = live.some((pattern) => fits(pattern.split('.').slice(0, path.length), path));
      if (!inner || own === null || typeof own !== 'object') return [[key, own]];
      const stripped = strip(own as Record<string, unknown>, path);
      return Object.keys(stripped).length > 0 ? [[key, stripped]] : [];
    });
    return Object.fromEntries(kept);
  };
  return { rest: strip(declaration, []), taken };
}

function fits(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.length === path.length && pattern.every((part, i) => part === '*' || part === path[i]);
}
