import type { GuestRecord, RunRecord, SuiteRecord, TestRecord } from '../schema/index.ts';
import { exitCodeOf } from './exit-code.ts';
import { totalsOf } from './totals.ts';

export interface Merged {
  run: RunRecord;
  /** Tests that more than one of the runs holds, on the same image; each stands in the merged run as often. */
  doubled: string[];
  /** For each guest of the merged run: which of the runs it comes from, and its console there. */
  consoles: { guest: string; part: number; from: string; to: string }[];
}

/**
 * Several runs, shards of one or cells of a matrix, as one run. Nothing is left out: a test that two of them hold
 * stands there twice and is named. Pure.
 * @param runs at least one
 */
export function mergeRuns(runs: readonly RunRecord[]): Merged {
  const [first] = runs;
  if (!first) throw new RangeError('no run to merge');
  const consoles: Merged['consoles'] = [];
  const taken = new Set<string>();
  const renamed = runs.map((run, part) => withOwnGuests(run, part, taken, consoles));
  const suites = mergeSuites(renamed);
  const guests = renamed.flatMap((run) => run.guests);
  const interrupted = runs.find((run) => run.interrupted)?.interrupted;
  const merged = { suites, guests, errors: runs.flatMap((run) => run.errors), ...(interrupted ? { interrupted } : {}) };
  const started = Math.min(...runs.map((run) => Date.parse(run.started)));
  const ended = Math.max(...runs.map((run) => Date.parse(run.started) + run.durationMs));
  const { history: _history, interrupted: _interrupted, ...rest } = first;
  const run: RunRecord = {
    ...rest,
    ...merged,
    started: new Date(started).toISOString(),
    durationMs: ended - started,
    totals: totalsOf(suites, guests),
    exitCode: exitCodeOf(merged, {
      passWithNoChecks: runs.every((part) => part.exitCode === 0),
      failOnFlaky: runs.some((part) => part.args.includes('--fail-on-flaky')),
    }),
    parts: runs.flatMap(
      (part) =>
        part.parts ?? [{ id: part.id, started: part.started, hostname: part.host.hostname, exitCode: part.exitCode }],
    ),
  };
  return { run, doubled: doubledIn(run), consoles };
}

/** A run whose guests have names, and consoles, that no run before it uses. */
function withOwnGuests(run: RunRecord, part: number, taken: Set<string>, consoles: Merged['consoles']): RunRecord {
  const names = new Map<string, string>();
  const guests = run.guests.map((guest): GuestRecord => {
    let name = guest.name;
    for (let i = part + 1; taken.has(name); i++) name = `${guest.name}@${i}`;
    taken.add(name);
    names.set(guest.name, name);
    if (guest.console === undefined) return { ...guest, name };
    // A name out of a file is no path.
    const to = `console/${name.replaceAll(/[^\w@-]/g, '_')}.log`;
    consoles.push({ guest: name, part, from: guest.console, to });
    return { ...guest, name, console: to };
  });
  const rename = (test: TestRecord): TestRecord =>
    test.guest === undefined ? test : { ...test, guest: names.get(test.guest) ?? test.guest };
  return { ...run, guests, suites: run.suites.map((suite) => ({ ...suite, tests: suite.tests.map(rename) })) };
}

/** Suites of the same file and contents become one; a file that was changed between the runs stays two. */
function mergeSuites(runs: readonly RunRecord[]): SuiteRecord[] {
  const merged = new Map<string, SuiteRecord>();
  for (const suite of runs.flatMap((run) => run.suites)) {
    const key = JSON.stringify([suite.file, suite.name, suite.sha256]);
    const known = merged.get(key);
    if (known) known.tests.push(...suite.tests);
    else merged.set(key, { ...suite, tests: [...suite.tests] });
  }
  return [...merged.values()];
}

function doubledIn(run: RunRecord): string[] {
  const seen = new Set<string>();
  const doubled = new Set<string>();
  for (const suite of run.suites) {
    for (const test of suite.tests) {
      const image = run.guests.find((guest) => guest.name === test.guest)?.image.name;
      const key = JSON.stringify([test.id, image]);
      if (seen.has(key)) doubled.add(`${suite.name} > ${test.name}${image === undefined ? '' : ` on ${image}`}`);
      seen.add(key);
    }
  }
  return [...doubled];
}
