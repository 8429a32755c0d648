import { type Log, ReleaseStack } from '../core/index.ts';
import { type ImageChain, openChain, openTree, readLayout } from '../disk/index.ts';
import { asGvmError } from '../errors/index.ts';
import { PoweredOff } from '../facts/index.ts';
import { exitCodeOf, type ProgressEvent, totalsOf } from '../report/index.ts';
import type { DiskRecord, RunRecord, SuiteRecord, TestRecord } from '../schema/index.ts';
import { type PlannedTest, type Registry, runTestOffline, type SuitePlan } from '../suite/index.ts';
import { cellOf, recordOf } from './bridge.ts';
import { toRunError } from './failure.ts';
import { thisHost } from './records.ts';
import { interruption } from './run.ts';
import { isScript } from './select.ts';

/** The disk that a suite asks for. */
export interface OfflineImage {
  name: string;
  digest: string;
  chain: ImageChain;
  /** The kernel that guests of it are given, where it is not the image's own. */
  kernel: string | undefined;
}

export interface RunOfflineOptions {
  plans: readonly SuitePlan[];
  registry: Registry;
  /** Finds the image of a suite; nothing of it is read before. */
  find(plan: SuitePlan): Promise<OfflineImage>;
  /** Passphrases and keys for what is encrypted. */
  keys: readonly Buffer[];
  log: Log;
  signal: AbortSignal;
  emit(event: ProgressEvent): void;
  passWithNoChecks: boolean;
  about: Pick<RunRecord, 'gvm' | 'args' | 'directory' | 'environment' | 'shard'>;
}

/** An opened disk with what is recorded of it. */
interface Opened {
  disk: PoweredOff;
  record: DiskRecord;
}

/**
 * Runs suites against powered-off disks: no guest, no QEMU, no vitest. Trouble with a disk becomes an error of its
 * tests; the record is that of any other run.
 */
export async function runOffline(options: RunOfflineOptions): Promise<RunRecord> {
  const { plans, signal, about } = options;
  const started = new Date();
  const disks: DiskRecord[] = [];
  const suites: SuiteRecord[] = [];
  for (const plan of plans) suites.push(await runPlan(plan, disks, options));
  const interrupted = interruption(signal);
  const run = { suites, guests: [], errors: [], ...(interrupted ? { interrupted } : {}) };
  return {
    version: 1,
    ...about,
    id: `${started.toISOString().replace(/\D/g, '').slice(0, 14)}-offline`,
    started: started.toISOString(),
    durationMs: Date.now() - started.getTime(),
    host: thisHost(),
    disks,
    ...run,
    totals: totalsOf(suites, []),
    exitCode: exitCodeOf(run, { passWithNoChecks: options.passWithNoChecks }),
  };
}

async function runPlan(plan: SuitePlan, disks: DiskRecord[], options: RunOfflineOptions): Promise<SuiteRecord> {
  const { emit, signal, registry } = options;
  await using releases = new ReleaseStack();
  const tests: TestRecord[] = [];
  let opened: Opened | undefined;
  let error: TestRecord['error'];
  try {
    opened = await open(await options.find(plan), releases, options);
    const { record } = opened;
    if (!disks.some(({ name }) => name === record.name)) disks.push(record);
  } catch (thrown) {
    if (!signal.aborted) error = toRunError(asGvmError(thrown));
  }
  const all = wholly(plan);
  for (const test of plan.tests) {
    const record = recordOf(test, new Date().toISOString());
    emit({ kind: 'test-started', suite: plan, test });
    if (signal.aborted) record.reason = 'the run was interrupted';
    else if (error) Object.assign(record, { outcome: 'error', error });
    else if (all !== undefined) record.reason = all;
    else if (opened) Object.assign(record, await runOne(test, opened.disk, registry, signal));
    tests.push(record);
    emit({ kind: 'test-ended', suite: plan, record });
  }
  const { file, name, sha256 } = plan;
  return { file, name, sha256, ...cellOf(plan), ...(opened ? { disk: opened.record.name } : {}), tests };
}

async function runOne(test: PlannedTest, disk: PoweredOff, registry: Registry, signal: AbortSignal) {
  try {
    return await runTestOffline(test, { disk, registry });
  } catch (thrown) {
    if (signal.aborted) return { reason: 'the run was interrupted' };
    return { outcome: 'error', error: toRunError(asGvmError(thrown)) };
  }
}

/** Why no test of a suite can be answered by a disk. */
function wholly({ file, tests }: SuitePlan): string | undefined {
  if (isScript(file)) return 'a suite in TypeScript acts in a running guest';
  return tests.some(({ role }) => role === 'setup') ? 'the setup of the suite needs a running guest' : undefined;
}

async function open(image: OfflineImage, releases: ReleaseStack, options: RunOfflineOptions): Promise<Opened> {
  const { log, signal } = options;
  const { chain, name, digest, kernel } = image;
  const { source } = releases.use(await openChain(chain, { log, signal }));
  const layout = await readLayout(source, { keys: options.keys, signal });
  const tree = await openTree(layout, undefined, signal);
  const layers = chain.layers.map(({ path, format }) => ({ path, format }));
  const diagnostics = tree.diagnostics.map(({ message }) => message);
  return { disk: new PoweredOff(layout, tree, { signal, kernel }), record: { name, digest, layers, diagnostics } };
}
