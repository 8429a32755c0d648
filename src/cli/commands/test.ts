import { existsSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type MachineLayer, machineLayer } from '../../config/index.ts';
import { GvmError } from '../../errors/index.ts';
import { availableMemory } from '../../host/index.ts';
import { assertFreezable, dryRun, type GuestSpec, type Ownership, runOwned } from '../../lab/index.ts';
import { loadPlugins, withPlugins } from '../../plugin/index.ts';
import { findTool, run as runTool, scratchFolder } from '../../process/index.ts';
import {
  chooseReporters,
  createMask,
  lastFailed,
  openRecords,
  type ProgressEvent,
  renderProgress,
  renderSummary,
  secretsIn,
} from '../../report/index.ts';
import type { MatrixKeys, RunRecord } from '../../schema/index.ts';
import { builtins, expandCells, loadSuite, type Registry, refuseSameNames, type SuitePlan } from '../../suite/index.ts';
import type { Command, Context } from '../command.ts';
import { countOf, jobsOf } from '../jobs.ts';
import { runPlansOffline } from '../offline-run.ts';
import { publish } from '../publish.ts';
import { bootOptions, openSetup, type Setup } from '../setup.ts';
import { suiteLayer } from '../suite-layer.ts';
import { version } from '../version.ts';

/** vitest is loaded here and nowhere else. */
const engine = () => import('../../engine/index.ts');

/** Suites that are code, and what can be said in those that are data. */
interface Language {
  registry: Registry;
  /** The modules of the project's plugins. */
  plugins: string[];
}

/** @throws GvmError `code-refused` for plugins under --data-only */
async function languageOf(context: Context): Promise<Language> {
  const { plugins, file } = context.settings();
  if (plugins.length > 0 && context.flag('data-only')) {
    const message = `${file}: plugins are code, and --data-only runs none`;
    throw new GvmError({ code: 'code-refused', message, hint: 'take plugins: out, or run it where code is trusted' });
  }
  return { registry: withPlugins(builtins, await loadPlugins(plugins)), plugins };
}

/** The suites that the words and options select, compiled. Those in TypeScript are run once to learn their tests. */
async function selectPlans(context: Context, { registry }: Language, signal: AbortSignal): Promise<SuitePlan[]> {
  const { findSuiteFiles, isScript, planScripts, selectTests } = await engine();
  const paths = context.words.length > 0 ? context.words : [context.settings().suites];
  const files = (await findSuiteFiles(paths, context.cwd)).map((file) => relative(context.cwd, file));
  const scripts = files.filter(isScript);
  if (scripts.length > 0 && context.flag('data-only')) {
    const message = `${scripts.join(', ')}: a suite in TypeScript is code, and --data-only runs none`;
    throw new GvmError({ code: 'code-refused', message });
  }
  const data = files.filter((file) => !isScript(file));
  const loaded = await Promise.all(data.map((file) => loadSuite(resolve(context.cwd, file), registry, file)));
  const planned = scripts.length === 0 ? [] : await planInScratch(scripts);
  const plans = [...loaded, ...planned].sort((x, y) => files.indexOf(x.file) - files.indexOf(y.file));
  refuseSameNames(plans);
  const cells = expandCells(plans, context.settings().matrix, matrixOf(context), countOf(context, 'repeat', 1));
  const only = context.flag('last-failed') ? await lastFailedTests(context) : undefined;
  return selectTests(cells, { tags: context.texts('tag'), pattern: context.text('tests'), only });

  async function planInScratch(found: readonly string[]): Promise<SuitePlan[]> {
    const scratch = scratchFolder();
    try {
      return await planScripts(found, { cwd: context.cwd, signal, scratch });
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}

/** What the command line says of the matrix. */
function matrixOf(context: Context): MatrixKeys {
  const [image, kernel] = [context.texts('image'), context.texts('kernel')];
  return { ...(image.length > 0 ? { image } : {}), ...(kernel.length > 0 ? { kernel } : {}) };
}

/** The tests that failed in the newest run that is remembered. @throws GvmError `nothing-to-run` */
async function lastFailedTests(context: Context): Promise<Set<string>> {
  const [last] = await openRecords(context.state().home, context.settings().root).list();
  const failed = last && lastFailed(last);
  if (failed && failed.size > 0) return failed;
  throw new GvmError({
    code: 'nothing-to-run',
    message: last ? `no test failed in the last run, ${last.id}` : 'no earlier run of this project is known',
    hint: 'gvm test without --last-failed runs all tests',
  });
}

function renderPlan(plans: readonly SuitePlan[]): string {
  const lines = plans.flatMap((plan) => [
    `${plan.name}  ${plan.file}  image: ${imageOf(plan)}`,
    ...plan.tests.map((test) => `  ${test.name}  (${test.position.file}:${test.position.line})`),
  ]);
  const count = plans.flatMap((plan) => plan.tests.filter((test) => test.role === undefined)).length;
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

/** Where the working directory lies in its repository; positions in the suites are relative to it. */
function placeInRepository(cwd: string): Pick<RunRecord, 'directory'> {
  for (let folder = cwd; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder === cwd ? {} : { directory: relative(folder, cwd) };
  }
  return {};
}

/** What the manifest says of any run. */
function aboutRun({ cwd }: Context): Pick<RunRecord, 'gvm' | 'args' | 'directory' | 'environment'> {
  return {
    gvm: version(),
    args: process.argv.slice(2),
    ...placeInRepository(cwd),
    environment: recordedEnvironment(),
  };
}

async function qemuVersion(): Promise<RunRecord['qemu']> {
  const tool = 'qemu-system-x86_64';
  const { stdout } = await runTool(tool, ['--version']);
  return { path: findTool(tool) ?? tool, version: /version (\S+)/.exec(stdout)?.[1] ?? 'unknown' };
}

/** What a suite asks for between gvm.yaml and the command line, and the boot deadline of the command line. */
function layersOf(context: Context, plan: SuitePlan): MachineLayer[] {
  const timeout = context.text('timeout');
  return [
    suiteLayer(plan.file, plan.machine, context.cwd),
    ...(plan.cell ? [{ ...suiteLayer(plan.file, plan.cell.machine, context.cwd), origin: 'matrix' }] : []),
    ...(timeout === undefined ? [] : [machineLayer('--timeout', { timeout })]),
  ];
}

const imageOf = (plan: SuitePlan) => plan.cell?.image ?? plan.image ?? 'default';

async function describe(context: Context, setup: Setup, plan: SuitePlan, guest: string) {
  return await setup.describe(imageOf(plan), guest, layersOf(context, plan), plan.channel);
}

/**
 * The guests of all plans, described before anything runs: what is wrong with an image or a machine is said at once.
 * @returns the guest of a plan under another name
 */
async function describeAll(context: Context, setup: Setup, plans: readonly SuitePlan[]) {
  const specs = new Map<string, GuestSpec>();
  for (const plan of plans) {
    const spec = await describe(context, setup, plan, 'guest');
    if (plan.isolation === 'fork') assertFreezable(spec);
    specs.set(plan.key, spec);
  }
  return async (plan: SuitePlan, name: string): Promise<GuestSpec> => {
    const spec = specs.get(plan.key);
    return spec ? { ...spec, name } : await describe(context, setup, plan, name);
  };
}

/** Plans as they may be shown: their secrets are masked and not listed. */
function withoutSecrets(plans: readonly SuitePlan[]): SuitePlan[] {
  return plans.map((plan) => ({ ...createMask(plan.secrets).value(plan), secrets: [] }));
}

async function showPlan(context: Context, plans: readonly SuitePlan[], ownership: Ownership): Promise<number> {
  await using setup = await openSetup(context, ownership);
  const commands: Record<string, string> = {};
  for (const plan of plans) {
    commands[plan.key] = dryRun(await describe(context, setup, plan, 'guest'), setup.accelerator.name);
  }
  context.show({ plans: withoutSecrets(plans), commands }, () =>
    [renderPlan(plans), ...plans.map((plan) => `\n# ${plan.key}\n${commands[plan.key]}`)].join('\n'),
  );
  return 0;
}

async function runPlans(
  context: Context,
  plans: readonly SuitePlan[],
  language: Language,
  ownership: Ownership,
): Promise<number> {
  const { runSuites } = await engine();
  const jobs = jobsOf(context);
  const reporters = chooseReporters(context.text('reporter'));
  const output = resolve(context.cwd, context.text('output') ?? 'reports');
  await using setup = await openSetup(context, ownership);
  const quiet = context.flag('json') || context.verbosity < 0;
  const describe = await describeAll(context, setup, plans);
  // A guest may print the password that it was entered with.
  const secrets = [...secretsIn(process.env), ...plans.flatMap((plan) => plan.secrets), ...setup.secrets];
  const mask = createMask(secrets);
  const emit = (event: ProgressEvent) => {
    const line = quiet
      ? undefined
      : renderProgress(mask.value(event), { color: context.color, verbose: context.verbosity > 0 });
    if (line !== undefined) context.print(line);
  };
  const run = await runSuites({
    plans,
    cwd: context.cwd,
    lab: setup.lab,
    home: context.state().home,
    log: context.log,
    describe,
    allow: setup.settings.health.allow,
    ...language,
    limits: { guests: jobs, memory: availableMemory() },
    signal: ownership.signal,
    emit,
    output,
    mask,
    passWithNoChecks: context.flag('pass-with-no-checks'),
    retries: countOf(context, 'retries', 0),
    failOnFlaky: context.flag('fail-on-flaky'),
    bail: countOf(context, 'bail', 0),
    about: {
      ...aboutRun(context),
      accelerator: { name: setup.accelerator.name, reason: setup.accelerator.reason },
      qemu: await qemuVersion(),
    },
  });
  const { record, reports } = await publish(context, run, { output, reporters, secrets });
  const shown = reports.map((path) => relative(context.cwd, path));
  context.show(record, () => renderSummary(record, { color: context.color, tests: false, reports: shown }));
  return record.exitCode;
}

export const test: Command = {
  usage: '[PATH…]',
  about:
    'PATH is a *.gvm.yaml or *.gvm.ts file, a folder or a glob; without one the suites of the project run. run.json and junit.xml are\nalways written to the output folder. --timeout is the deadline of a boot.',
  options: [
    'image',
    'tests',
    'tag',
    'jobs',
    'output',
    'reporter',
    'retries',
    'fail-on-flaky',
    'repeat',
    'bail',
    'last-failed',
    'offline',
    'key-file',
    'list',
    'dry-run',
    'data-only',
    'pass-with-no-checks',
    'timeout',
    ...bootOptions,
  ],
  completes: 'suites',
  examples: [
    ['gvm test', 'all suites of the project'],
    ['gvm test suites/boot --image my.qcow2', 'one suite on an image of yours'],
    ["gvm test -t 'default runlevel'", 'the tests whose name matches'],
    ['gvm test --image a.qcow2 --image b.qcow2 --kernel x.deb --kernel y.deb', 'every image with every kernel'],
    ['gvm test --last-failed --reporter html', 'what failed last time, with a page to look at'],
    ['gvm test --offline suites/security --image my.qcow2', 'what a powered-off disk can answer of a suite'],
    ['gvm test --dry-run', 'the plan, and QEMU command lines to paste'],
  ],
  words: [0, 1000],
  async run(context) {
    if (context.texts('key-file').length > 0 && !context.flag('offline')) {
      throw new GvmError({ code: 'usage', message: '--key-file: only --offline opens what is encrypted' });
    }
    const language = await languageOf(context);
    return await runOwned(async (ownership) => {
      const plans = await selectPlans(context, language, ownership.signal);
      if (context.flag('list')) {
        context.show(withoutSecrets(plans), renderPlan);
        return 0;
      }
      if (context.flag('dry-run')) return await showPlan(context, plans, ownership);
      if (context.flag('offline')) {
        const secrets = [...secretsIn(process.env), ...plans.flatMap((plan) => plan.secrets)];
        const { signal } = ownership;
        return await runPlansOffline(context, {
          plans,
          registry: language.registry,
          signal,
          secrets,
          about: aboutRun(context),
        });
      }
      return await runPlans(context, plans, language, ownership);
    });
  },
};
