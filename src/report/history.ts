import { formatSize } from '../core/index.ts';
import type { GuestRecord, Outcome, RunRecord, RunReference, TestRecord } from '../schema/index.ts';

const BAD: readonly Outcome[] = ['failed', 'xpassed', 'error', 'timeout'];
const GOOD: readonly Outcome[] = ['passed', 'flaky'];
const MOST_CHANGES = 100;

type Change = NonNullable<RunRecord['history']>['changes'][number];

/**
 * A run beside the earlier ones of the same project: each failure is called new or known, and what is different since
 * the last run that passed what fails now stands in `history`. A test of another image is another test. Pure.
 * @param earlier newest first
 */
export function withHistory(run: RunRecord, earlier: readonly RunRecord[]): RunRecord {
  const before = earlier.map((record) => ({ record, outcomes: outcomesOf(record) }));
  const failing = new Set<string>();
  const suites = run.suites.map((suite) => ({
    ...suite,
    tests: suite.tests.map((test) => {
      if (!BAD.includes(test.outcome)) return test;
      const key = keyOf(test, run);
      failing.add(key);
      const history = historyOf(key, before);
      return history ? { ...test, history } : test;
    }),
  }));
  const good = before.find(({ outcomes }) => {
    const then = [...failing].map((key) => outcomes.get(key)).filter((outcome) => outcome !== undefined);
    return then.length > 0 && then.every((outcome) => GOOD.includes(outcome));
  });
  if (!good) return { ...run, suites };
  return { ...run, suites, history: { good: referenceOf(good.record), changes: changesBetween(good.record, run) } };
}

/** The ids of the tests that failed in a run. */
export function lastFailed(run: RunRecord): Set<string> {
  const tests = run.suites.flatMap((suite) => suite.tests);
  return new Set(tests.filter((test) => BAD.includes(test.outcome)).map((test) => test.id));
}

interface Earlier {
  record: RunRecord;
  outcomes: ReadonlyMap<string, Outcome>;
}

function historyOf(key: string, before: readonly Earlier[]): TestRecord['history'] {
  let first: RunRecord | undefined;
  for (const { record, outcomes } of before) {
    const outcome = outcomes.get(key);
    if (outcome === undefined) continue;
    if (GOOD.includes(outcome)) {
      return first ? { status: 'known', since: referenceOf(first) } : { status: 'new', since: referenceOf(record) };
    }
    if (BAD.includes(outcome)) first = record;
  }
  return first && { status: 'known', since: referenceOf(first) };
}

function outcomesOf(run: RunRecord): Map<string, Outcome> {
  return new Map(run.suites.flatMap((suite) => suite.tests.map((test) => [keyOf(test, run), test.outcome] as const)));
}

/** What makes a test the same test in another run: its name, the image of its guest, and whether there is one. */
function keyOf(test: TestRecord, run: RunRecord): string {
  const guest = run.guests.find(({ name }) => name === test.guest);
  return JSON.stringify([test.id, guest?.image.name ?? null, run.disks !== undefined]);
}

function referenceOf({ id, started }: RunRecord): RunReference {
  return { id, started };
}

/** What differs between two runs that may explain a failure: tools, images and their packages, machines, kernels, suites. */
function changesBetween(before: RunRecord, now: RunRecord): Change[] {
  const was = conditionsOf(before);
  const is = conditionsOf(now);
  const changes = [...new Set([...was.keys(), ...is.keys()])].flatMap((what): Change[] => {
    const [a, b] = [was.get(what), is.get(what)];
    if (a && b && [...b].every((value) => a.has(value))) return [];
    // What only one of the runs used tells nothing of the other, but for a part of an image or a machine of both.
    const image = /^(?:package|machine) .* of (.*)$/.exec(what)?.[1];
    if ((!a || !b) && !(was.has(`image ${image}`) && is.has(`image ${image}`))) return [];
    return [{ what, before: valuesOf(a), now: valuesOf(b) }];
  });
  return changes.slice(0, MOST_CHANGES);
}

const valuesOf = (values: ReadonlySet<string> | undefined) => (values ? [...values].sort().join(', ') : 'absent');

/** What a run used; of what its guests differ in, each of them. */
function conditionsOf(run: RunRecord): Map<string, Set<string>> {
  const conditions = new Map<string, Set<string>>();
  const add = (what: string, value: string | undefined) => {
    if (value !== undefined) conditions.set(what, (conditions.get(what) ?? new Set()).add(value));
  };
  add('gvm', run.gvm);
  add('QEMU', run.qemu?.version);
  add('accelerator', run.accelerator?.name);
  for (const { image, kernel, kernelGiven, machine } of run.guests) {
    const { name } = image;
    add(`image ${name}`, image.digest);
    add(`kernel of ${name}`, kernel);
    const given = kernelGiven && `${kernelGiven.source} ${kernelGiven.digest.slice(0, 12)}`;
    add(`machine kernel of ${name}`, given ?? 'its own');
    for (const [key, value] of Object.entries(machine)) {
      // What was asked for; the accelerator stands above.
      if (key !== 'accel') add(`machine ${key} of ${name}`, settingText(key, value));
    }
  }
  for (const suite of run.suites) add(`suite ${suite.file}`, suite.sha256.slice(0, 12));
  for (const [what, version] of packagesOf(run.guests)) add(what, version);
  return conditions;
}

function settingText(key: string, value: unknown): string {
  if (key === 'memory' && typeof value === 'number') return formatSize(value);
  return typeof value === 'string' ? value || 'none' : JSON.stringify(value);
}

function packagesOf(guests: readonly GuestRecord[]): [string, string][] {
  return guests.flatMap(({ image }) =>
    Object.entries(image.packages ?? {}).map(([name, version]): [string, string] => [
      `package ${name} of ${image.name}`,
      version,
    ]),
  );
}
