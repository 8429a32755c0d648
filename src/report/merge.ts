import { clip } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { GuestRecord, RunRecord, SuiteRecord, TestRecord } from '../schema/index.ts';
import { exitCodeOf } from './exit-code.ts';
import { totalsOf } from './totals.ts';

export interface Merged {
  run: RunRecord;
  /** Tests that more than one of the runs holds, on the same image; each stands in the merged run as often. */
  doubled: string[];
  /** Consoles and pictures of the guests of the merged run: which of the runs each comes from, and its path there. */
  files: { guest: string; part: number; from: string; to: string }[];
}

/**
 * Several runs, shards of one or cells of a matrix, as one run. Nothing is left out: a test that two of them hold
 * stands there twice and is named. Pure.
 * Shards of one plan give the run that it would have been: in its order, each setup that passed once.
 * @param runs at least one
 * @throws GvmError `shards-differ`
 */
export function mergeRuns(runs: readonly RunRecord[]): Merged {
  const [first] = runs;
  if (!first) throw new RangeError('no run to merge');
  const files: Merged['files'] = [];
  const taken = new Set<string>();
  const renamed = runs.map((run, part) => withOwnGuests(run, part, taken, files));
  const plan = planOf(runs);
  const suites = plan ? asPlanned(mergeSuites(renamed), plan) : mergeSuites(renamed);
  const guests = renamed.flatMap((run) => run.guests);
  const interrupted = runs.find((run) => run.interrupted)?.interrupted;
  const errors = [...runs.flatMap((run) => run.errors), ...(plan ? missingOf(suites, plan) : [])];
  const merged = { suites, guests, errors, ...(interrupted ? { interrupted } : {}) };
  const started = Math.min(...runs.map((run) => Date.parse(run.started)));
  const ended = Math.max(...runs.map((run) => Date.parse(run.started) + run.durationMs));
  const { history: _history, interrupted: _interrupted, shard: _shard, ...rest } = first;
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
  return { run, doubled: doubledIn(run), files };
}

/** A run whose guests have names, consoles and pictures that no run before it uses. */
function withOwnGuests(run: RunRecord, part: number, taken: Set<string>, files: Merged['files']): RunRecord {
  const names = new Map<string, string>();
  const guests = run.guests.map((guest): GuestRecord => {
    let name = guest.name;
    for (let i = part + 1; taken.has(name); i++) name = `${guest.name}@${i}`;
    taken.add(name);
    names.set(guest.name, name);
    // A name out of a file is no path.
    const stem = name.replaceAll(/[^\w@-]/g, '_');
    const take = (from: string, to: string) => {
      files.push({ guest: name, part, from, to });
      return to;
    };
    return {
      ...{ ...guest, name },
      ...(guest.console === undefined ? {} : { console: take(guest.console, `console/${stem}.log`) }),
      ...(guest.picture === undefined ? {} : { picture: take(guest.picture, `screen/${stem}.png`) }),
    };
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

/** What the shards among these runs were a part of; undefined where none is a shard. */
function planOf(runs: readonly RunRecord[]): RunRecord['shard'] {
  const first = runs.find(({ shard }) => shard);
  for (const { id, shard } of runs) {
    if (!first || (shard?.plan === first.shard?.plan && shard?.total === first.shard?.total)) continue;
    const shown = ({ index, total, plan }: NonNullable<RunRecord['shard']>) =>
      `shard ${index}/${total} of plan ${plan.slice(0, 12)}`;
    throw new GvmError({
      code: 'shards-differ',
      message: `run ${id} is ${shard ? shown(shard) : 'no shard'}, run ${first.id} is ${first.shard && shown(first.shard)}`,
      hint: 'shards are of the same suites, options and number of parts',
    });
  }
  return first?.shard;
}

/** Suites and tests in the order of the plan; a setup or teardown that passed in several shards stands there once. */
function asPlanned(suites: readonly SuiteRecord[], { tests }: NonNullable<RunRecord['shard']>): SuiteRecord[] {
  const places = new Map(tests.map((id, i) => [id, i]));
  const place = ({ id }: TestRecord) => places.get(id) ?? tests.length;
  const ordered = suites.map((suite) => {
    const passed = new Set<string>();
    const once = suite.tests.filter(({ id, role, outcome }) => {
      const again = role !== undefined && outcome === 'passed' && passed.has(id);
      passed.add(id);
      return !again;
    });
    return { ...suite, tests: once.sort((a, b) => place(a) - place(b)) };
  });
  const first = ({ tests: [test] }: SuiteRecord) => (test ? place(test) : tests.length);
  return ordered.sort((a, b) => first(a) - first(b));
}

/** What no shard ran: a job that never came. */
function missingOf(suites: readonly SuiteRecord[], { tests }: NonNullable<RunRecord['shard']>): RunRecord['errors'] {
  const ran = new Set(suites.flatMap((suite) => suite.tests.map(({ id }) => id)));
  const missing = tests.filter((id) => !ran.has(id));
  if (missing.length === 0) return [];
  const message = `${missing.length} tests of the plan are in none of the shards: ${clip(missing.join(', '), 2000)}`;
  return [{ code: 'shard-missing', message, hint: 'see which job brought no run.json', blame: 'host' }];
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
