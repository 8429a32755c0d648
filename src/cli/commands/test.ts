import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { type MachineLayer, machineLayer } from '../../config/index.ts';
import { GvmError } from '../../errors/index.ts';
import { availableMemory } from '../../host/index.ts';
import { dryRun, type GuestSpec, type Ownership, runOwned } from '../../lab/index.ts';
import { findTool, run } from '../../process/index.ts';
import { type ProgressEvent, renderProgress, renderSummary, writeReports } from '../../report/index.ts';
import type { MatrixKeys, RunRecord } from '../../schema/index.ts';
import { builtins, expandCells, loadSuite, refuseSameNames, type SuitePlan } from '../../suite/index.ts';
import type { Command, Context } from '../command.ts';
import { bootOptions, openSetup, type Setup } from '../setup.ts';
import { version } from '../version.ts';

/** vitest is loaded here and nowhere else. */
const engine = () => import('../../engine/index.ts');

/** The suites that the words and options select, compiled. */
async function selectPlans(context: Context): Promise<SuitePlan[]> {
  const { findSuiteFiles, selectTests } = await engine();
  const paths = context.words.length > 0 ? context.words : [context.settings().suites];
  const files = await findSuiteFiles(paths, context.cwd);
  const plans = await Promise.all(files.map((file) => loadSuite(file, builtins, relative(context.cwd, file))));
  refuseSameNames(plans);
  const cells = expandCells(plans, context.settings().matrix, matrixOf(context));
  return selectTests(cells, { tags: context.texts('tag'), pattern: context.text('tests') });
}

/** What the command line says of the matrix. */
function matrixOf(context: Context): MatrixKeys {
  const [image, kernel] = [context.texts('image'), context.texts('kernel')];
  return { ...(image.length > 0 ? { image } : {}), ...(kernel.length > 0 ? { kernel } : {}) };
}

function jobsOf(context: Context): number {
  const text = context.text('jobs') ?? '1';
  if (text === 'auto') return Math.max(1, Math.floor(availableParallelism() / 2));
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 64) return jobs;
  throw new GvmError({ code: 'usage', message: `gvm test: -j takes a number from 1 to 64 or auto, found "${text}"` });
}

function renderPlan(plans: readonly SuitePlan[]): string {
  const lines = plans.flatMap((plan) => [
    `${plan.name}  ${plan.file}  image: ${imageOf(plan)}`,
    ...plan.tests.map((test) => `  ${test.name}  (${test.position.file}:${test.position.line})`),
  ]);
  const count = plans.reduce((sum, plan) => sum + plan.tests.length, 0);
  return [...lines, `${count} tests in ${plans.length} suites`].join('\n');
}

/** The names of the environment that a report may show. */
const RECORDED = /^(CI|GITHUB_(ACTIONS|REF|RUN_ID|SHA)|GVM_(?!.*(PASSWORD|TOKEN|SECRET|KEY)).*)$/;

function recordedEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && RECORDED.test(name) ? [[name, value] as const] : [],
  );
  return Object.fromEntries(entries);
}

async function qemuVersion(): Promise<RunRecord['qemu']> {
  const tool = 'qemu-system-x86_64';
  const { stdout } = await run(tool, ['--version']);
  return { path: findTool(tool) ?? tool, version: /version (\S+)/.exec(stdout)?.[1] ?? 'unknown' };
}

/** What a suite asks for between gvm.yaml and the command line, and the boot deadline of the command line. */
function layersOf(context: Context, plan: SuitePlan): MachineLayer[] {
  const timeout = context.text('timeout');
  return [
    { origin: plan.file, keys: plan.machine },
    ...(plan.cell ? [{ origin: 'matrix', keys: plan.cell.machine }] : []),
    ...(timeout === undefined ? [] : [machineLayer('--timeout', { timeout })]),
  ];
}

const imageOf = (plan: SuitePlan) => plan.cell?.image ?? plan.image ?? 'default';

async function describe(context: Context, setup: Setup, plan: SuitePlan, guest: string) {
  return await setup.describe(imageOf(plan), guest, layersOf(context, plan));
}

/**
 * The guests of all plans, described before anything runs: what is wrong with an image or a machine is said at once.
 * @returns the guest of a plan under another name
 */
async function describeAll(context: Context, setup: Setup, plans: readonly SuitePlan[]) {
  const specs = new Map<string, GuestSpec>();
  for (const plan of plans) specs.set(plan.key, await describe(context, setup, plan, 'guest'));
  return async (plan: SuitePlan, name: string): Promise<GuestSpec> => {
    const spec = specs.get(plan.key);
    return spec ? { ...spec, name } : await describe(context, setup, plan, name);
  };
}

async function showPlan(context: Context, plans: readonly SuitePlan[], ownership: Ownership): Promise<number> {
  await using setup = await openSetup(context, ownership);
  const commands: Record<string, string> = {};
  for (const plan of plans) {
    commands[plan.key] = dryRun(await describe(context, setup, plan, 'guest'), setup.accelerator.name);
  }
  context.show({ plans, commands }, () =>
    [renderPlan(plans), ...plans.map((plan) => `\n# ${plan.key}\n${commands[plan.key]}`)].join('\n'),
  );
  return 0;
}

async function runPlans(context: Context, plans: readonly SuitePlan[], ownership: Ownership): Promise<number> {
  const { runSuites } = await engine();
  const jobs = jobsOf(context);
  const output = resolve(context.cwd, context.text('output') ?? 'reports');
  const quiet = context.flag('json') || context.verbosity < 0;
  const emit = (event: ProgressEvent) => {
    const line = quiet ? undefined : renderProgress(event, { color: context.color, verbose: context.verbosity > 0 });
    if (line !== undefined) context.print(line);
  };
  await using setup = await openSetup(context, ownership);
  const record = await runSuites({
    plans,
    cwd: context.cwd,
    lab: setup.lab,
    describe: await describeAll(context, setup, plans),
    allow: setup.settings.health.allow,
    limits: { guests: jobs, memory: availableMemory() },
    signal: ownership.signal,
    emit,
    output,
    passWithNoChecks: context.flag('pass-with-no-checks'),
    about: {
      gvm: version(),
      args: process.argv.slice(2),
      environment: recordedEnvironment(),
      accelerator: { name: setup.accelerator.name, reason: setup.accelerator.reason },
      qemu: await qemuVersion(),
    },
  });
  const reports = await writeReports(record, { folder: output, secrets: [] });
  const shown = reports.map((path) => relative(context.cwd, path));
  context.show(record, () => renderSummary(record, { color: context.color, tests: false, reports: shown }));
  return record.exitCode;
}

export const test: Command = {
  usage: '[PATH…]',
  about:
    'PATH is a *.gvm.yaml file, a folder or a glob; without one the suites of the project run. run.json and junit.xml are\nalways written to the output folder. --timeout is the deadline of a boot.',
  options: [
    'image',
    'tests',
    'tag',
    'jobs',
    'output',
    'list',
    'dry-run',
    'pass-with-no-checks',
    'timeout',
    ...bootOptions,
  ],
  examples: [
    ['gvm test', 'all suites of the project'],
    ['gvm test suites/boot --image my.qcow2', 'one suite on an image of yours'],
    ["gvm test -t 'default runlevel'", 'the tests whose name matches'],
    ['gvm test --image a.qcow2 --image b.qcow2 --kernel x.deb --kernel y.deb', 'every image with every kernel'],
    ['gvm test --dry-run', 'the plan, and QEMU command lines to paste'],
  ],
  words: [0, 1000],
  async run(context) {
    const plans = await selectPlans(context);
    if (context.flag('list')) {
      context.show(plans, renderPlan);
      return 0;
    }
    return await runOwned((ownership) =>
      context.flag('dry-run') ? showPlan(context, plans, ownership) : runPlans(context, plans, ownership),
    );
  },
};
