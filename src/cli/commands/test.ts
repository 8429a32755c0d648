import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type MachineLayer, machineLayer } from '../../config/index.ts';
import { GvmError } from '../../errors/index.ts';
import { availableMemory } from '../../host/index.ts';
import { assertFreezable, dryRun, type GuestSpec, type Ownership, runOwned } from '../../lab/index.ts';
import { findTool, run as runTool } from '../../process/index.ts';
import { chooseReporters, createMask, renderSummary, secretsIn } from '../../report/index.ts';
import type { RunRecord } from '../../schema/index.ts';
import { digestOf, hasMilestones, type SuitePlan, shardOf } from '../../suite/index.ts';
import type { Command, Context } from '../command.ts';
import { countOf, guestsAtOnce } from '../jobs.ts';
import { runPlansOffline } from '../offline-run.ts';
import { orderAsked } from '../order.ts';
import { pauseAsked } from '../pause.ts';
import { progressTo, publish } from '../publish.ts';
import { engine, type Language, languageOf, selectionOptions, selectPlans } from '../selection.ts';
import { bootOptions, openSetup, type Setup } from '../setup.ts';
import { shardAsked, timingsAsked } from '../sharding.ts';
import { suiteLayer } from '../suite-layer.ts';
import { version } from '../version.ts';
import { watchSuites } from '../watch.ts';

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
function aboutRun({ cwd }: Context): Pick<RunRecord, 'gvm' | 'args' | 'directory' | 'environment' | 'shard'> {
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
 * @returns the guest of a plan under another name, and whether the guest of a file may be a fork
 */
async function describeAll(context: Context, setup: Setup, plans: readonly SuitePlan[]) {
  const specs = new Map<string, GuestSpec>();
  const freezable = new Set<string>();
  for (const plan of plans) {
    const spec = await describe(context, setup, plan, 'guest');
    try {
      assertFreezable(spec);
      freezable.add(plan.key);
    } catch (error) {
      if (plan.isolation === 'fork' || hasMilestones(plan)) throw error;
    }
    specs.set(plan.key, spec);
  }
  return {
    async describe(plan: SuitePlan, name: string): Promise<GuestSpec> {
      const spec = specs.get(plan.key);
      return spec ? { ...spec, name } : await describe(context, setup, plan, name);
    },
    // Whoever waits for a test again and again does not wait for a boot each time.
    forksFile: ({ key }: SuitePlan) => context.flag('watch') && freezable.has(key),
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

interface OnlineRun {
  plans: readonly SuitePlan[];
  language: Language;
  ownership: Ownership;
  about: ReturnType<typeof aboutRun>;
  passWithNoChecks: boolean;
}

async function runPlans(context: Context, { language, ownership, ...run }: OnlineRun): Promise<number> {
  const { runSuites } = await engine();
  const limits = { ...(await guestsAtOnce(context)), memory: availableMemory() };
  const { order, seed, plans } = await orderAsked(context, run.plans);
  const pause = pauseAsked(context, ownership.signal);
  const reporters = chooseReporters(context.text('reporter'));
  const output = resolve(context.cwd, context.text('output') ?? 'reports');
  await using setup = await openSetup(context, ownership);
  const guests = await describeAll(context, setup, plans);
  // A guest may print the password that it was entered with.
  const secrets = [...secretsIn(process.env), ...plans.flatMap((plan) => plan.secrets), ...setup.secrets];
  const mask = createMask(secrets);
  const emit = progressTo(context, mask);
  const made = await runSuites({
    plans,
    order,
    cwd: context.cwd,
    lab: setup.lab,
    home: (await context.state()).home,
    log: context.log,
    ...guests,
    allow: setup.settings.health.allow,
    ...language,
    limits,
    signal: ownership.signal,
    emit,
    output,
    mask,
    passWithNoChecks: run.passWithNoChecks,
    retries: countOf(context, 'retries', 0),
    failOnFlaky: context.flag('fail-on-flaky'),
    bail: countOf(context, 'bail', 0),
    pause: pause && ((guest, why) => pause(guest, mask.value(why))),
    about: {
      ...run.about,
      ...(seed === undefined ? {} : { seed }),
      accelerator: { name: setup.accelerator.name, reason: setup.accelerator.reason },
      qemu: await qemuVersion(),
    },
  });
  const { record, reports } = await publish(context, made, { output, reporters, secrets });
  const shown = reports.map((path) => relative(context.cwd, path));
  context.show(record, () => renderSummary(record, { color: context.color, tests: false, reports: shown }));
  return record.exitCode;
}

export const test: Command = {
  usage: '[PATH…]',
  about:
    'PATH is a *.gvm.yaml, *.gvm.ts or *goss.yaml file, a folder or a glob; without one the suites of the project run. run.json and junit.xml are\nalways written to the output folder. --timeout is the deadline of a boot.',
  options: [
    ...selectionOptions,
    'shard',
    'timings',
    'jobs',
    'output',
    'reporter',
    'retries',
    'fail-on-flaky',
    'bail',
    'order',
    'seed',
    'pause-on-failure',
    'watch',
    'offline',
    'key-file',
    'list',
    'dry-run',
    'pass-with-no-checks',
    'timeout',
    ...bootOptions.filter((option) => option !== 'kernel'),
  ],
  completes: 'suites',
  examples: [
    ['gvm test', 'all suites of the project'],
    ['gvm test suites/boot --image my.qcow2', 'one suite on an image of yours'],
    ["gvm test -t 'default runlevel'", 'the tests whose name matches'],
    ['gvm test --image a.qcow2 --image b.qcow2 --kernel x.deb --kernel y.deb', 'every image with every kernel'],
    ['gvm test --last-failed --reporter html', 'what failed last time, with a page to look at'],
    ['gvm test --offline suites/security --image my.qcow2', 'what a powered-off disk can answer of a suite'],
    ['gvm test --shard 2/4 --timings shards.json', 'one of four parts, in a job of its own'],
    ['gvm test --dry-run', 'the plan, and QEMU command lines to paste'],
  ],
  words: [0, 1000],
  async run(context) {
    if (context.texts('key-file').length > 0 && !context.flag('offline')) {
      throw new GvmError({ code: 'usage', message: '--key-file: only --offline opens what is encrypted' });
    }
    const language = await languageOf(context);
    return await runOwned(async (ownership) => {
      const { signal } = ownership;
      const whole = await selectPlans(context, language, signal);
      const shard = shardAsked(context);
      const plans = shard ? shardOf(whole, shard, await timingsAsked(context)) : whole;
      const about = { ...aboutRun(context), ...(shard ? { shard: { ...shard, ...digestOf(whole) } } : {}) };
      // A part of few tests may have none.
      const passWithNoChecks = context.flag('pass-with-no-checks') || plans.length === 0;
      // Without guests there are no command lines to show.
      if (context.flag('list') || (context.flag('offline') && context.flag('dry-run'))) {
        context.show(withoutSecrets(plans), renderPlan);
        return 0;
      }
      if (context.flag('dry-run')) return await showPlan(context, plans, ownership);
      const run = async (due: readonly SuitePlan[]) => {
        if (!context.flag('offline')) {
          return await runPlans(context, { plans: due, language, ownership, about, passWithNoChecks });
        }
        const secrets = [...secretsIn(process.env), ...due.flatMap((plan) => plan.secrets)];
        const { registry } = language;
        return await runPlansOffline(context, { plans: due, registry, signal, secrets, about, passWithNoChecks });
      };
      if (!context.flag('watch')) return await run(plans);
      if (shard) throw new GvmError({ code: 'usage', message: '--watch runs what changes, in no shards' });
      return await watchSuites(context, { select: () => selectPlans(context, language, signal), run, signal });
    });
  },
};
