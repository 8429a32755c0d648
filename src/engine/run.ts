import { type Log, within } from '../core/index.ts';
import { asGvmError } from '../errors/index.ts';
import { serveChannels } from '../guest/index.ts';
import {
  CheckpointStore,
  controlHandlers,
  type Guest,
  type GuestSpec,
  Interrupted,
  type Lab,
  serveBroker,
  serveConsoles,
} from '../lab/index.ts';
import {
  exitCodeOf,
  type Mask,
  type ProgressEvent,
  publishConsole,
  publishPicture,
  totalsOf,
} from '../report/index.ts';
import type { Allowance, RunRecord } from '../schema/index.ts';
import { askHealth, judgeHealth, type Registry, type SuitePlan } from '../suite/index.ts';
import type { AdmissionLimits } from './admission.ts';
import { autopsy } from './autopsy.ts';
import { ReportBridge } from './bridge.ts';
import { toRunError } from './failure.ts';
import { GuestPool } from './guest-pool.ts';
import { leaseHandlers } from './leases.ts';
import { thisHost } from './records.ts';
import type { Examination } from './run-guests.ts';
import { runOnVitest, type ScriptCell } from './runner.ts';
import { isScript } from './select.ts';

export interface RunSuitesOptions {
  plans: readonly SuitePlan[];
  /** What the files of the plans are relative to. */
  cwd: string;
  lab: Lab;
  /** gvm's home folder, for checkpoints. */
  home: string;
  log: Log;
  /** The guest that a suite asks for, with all layers of configuration applied. */
  describe(plan: SuitePlan, guest: string): Promise<GuestSpec>;
  /** Whether the one guest of a suite file is a fork of one that was booted before, in this run or an earlier one. */
  forksFile?(plan: SuitePlan): boolean;
  allow: readonly Allowance[];
  limits: AdmissionLimits;
  /** What suites can say, and the modules of plugins that it is made with. */
  registry: Registry;
  plugins: readonly string[];
  /** Aborted with the name of the signal as its reason. */
  signal: AbortSignal;
  emit(event: ProgressEvent): void;
  /** The folder of the reports; console logs go below it. */
  output: string;
  /** Hides secrets in what goes there. */
  mask: Mask;
  passWithNoChecks: boolean;
  /** The plans in the order in which they are begun; that of the report is the plans' own. */
  order: readonly SuitePlan[];
  /** How often a test that went wrong is tried again. */
  retries: number;
  failOnFlaky: boolean;
  /** Failed tests after which no other is begun; 0 for no limit. */
  bail: number;
  /** Called when a test has failed, before its guest goes on; returns when it may. */
  pause?: ((guest: string, why: string) => Promise<void>) | undefined;
  /** What the manifest says of the run itself. */
  about: Pick<RunRecord, 'gvm' | 'args' | 'directory' | 'environment' | 'shard' | 'seed' | 'accelerator' | 'qemu'>;
}

/** Milliseconds for a look at a guest's health, before scaling. */
const HEALTH_TIMEOUT = 10_000;

/**
 * Boots what the suites ask for, runs them, and gives back the run's record. Trouble of any kind becomes part of the
 * record; nothing of the run is left when it returns but the lab, which belongs to the caller.
 */
export async function runSuites(options: RunSuitesOptions): Promise<RunRecord> {
  const { plans, cwd, lab, limits, signal, emit, about } = options;
  const started = new Date();
  const errors: RunRecord['errors'] = [];
  const pool = new GuestPool(plans, {
    lab,
    limits,
    warn: (text) => options.log.warn(text),
    checkpoints: new CheckpointStore(options.home, options.log),
    describe: options.describe,
    forksFile: (plan) => options.forksFile?.(plan) ?? false,
    emit,
    signal,
    examine: examiner(options),
    saveConsole: consoleSaver(options),
    autopsy: (spec, overlay, began) => autopsy(spec, { overlay, began, log: options.log, signal }),
    // A report without a picture is worth more than none.
    savePicture: (guest, picture) => publishPicture(picture, guest, options.output).catch(() => undefined),
  });
  const bridge = new ReportBridge(plans, {
    testStarted: (suite, test) => emit({ kind: 'test-started', suite, test }),
    testEnded: (suite, record) => emit({ kind: 'test-ended', suite, record }),
  });
  try {
    const { accelerator } = lab;
    // Other commands may enter the guests as those of gvm boot.
    const others = controlHandlers(lab, () => {});
    const own = leaseHandlers(plans, pool, { accelerator, pause: options.pause });
    await using _broker = await serveBroker(lab.brokerPath, { ...others, ...own });
    const guestOf = (name: string) => lab.guests.find((guest) => guest.name === name);
    await using _channels = await serveChannels(lab.channelsPath, (name, kind) =>
      kind === 'ssh' ? guestOf(name)?.channel() : guestOf(name)?.console,
    );
    await using _consoles = await serveConsoles(lab.consolesPath, (name) => guestOf(name)?.serialLine);
    const { output, plugins, retries, bail } = options;
    const [socket, channels, scripts] = [lab.brokerPath, lab.channelsPath, scriptsOf(plans)];
    const pauses = options.pause !== undefined;
    const context = { socket, channels, output, plugins, retries, pauses, scripts };
    const workers = limits.guests;
    if (plans.length > 0)
      await runOnVitest({
        plans: options.order,
        cwd,
        context,
        reporter: bridge,
        workers,
        bail,
        signal,
        scratch: lab.folder,
      });
  } catch (error) {
    errors.push(toRunError(asGvmError(error)));
  }
  await pool[Symbol.asyncDispose]();
  const interrupted = interruption(signal);
  if (!interrupted) {
    for (const message of bridge.errors) errors.push({ code: 'internal', message, blame: 'unknown' });
  }
  const bailed = options.bail > 0 && bridge.failed >= options.bail;
  const suites = bridge.suites(
    interrupted ? 'the run was interrupted' : bailed ? 'enough tests had failed (--bail)' : undefined,
  );
  const run = { suites, guests: pool.records, errors, ...(interrupted ? { interrupted } : {}) };
  return {
    version: 1,
    ...about,
    id: lab.run,
    started: started.toISOString(),
    durationMs: Date.now() - started.getTime(),
    host: thisHost(),
    ...run,
    totals: totalsOf(suites, pool.records),
    exitCode: exitCodeOf(run, options),
  };
}

/** What workers must know of suites whose tests stand in their files alone. */
function scriptsOf(plans: readonly SuitePlan[]): Record<string, ScriptCell[]> {
  const scripts: Record<string, ScriptCell[]> = {};
  for (const { file, key, name, tests } of plans.filter((plan) => isScript(plan.file))) {
    const ids = Object.fromEntries(tests.map((test) => [test.name, test.id]));
    scripts[file] = [...(scripts[file] ?? []), { key, name, ids }];
  }
  return scripts;
}

/** The look at a guest's health: what its console showed and what it says of itself. */
function examiner({ allow, signal, registry }: RunSuitesOptions) {
  return async (guest: Guest, when: 'ready' | 'release'): Promise<Examination> => {
    const options = { when, allow, today: new Date() };
    const console = guest.healthFindings();
    try {
      const facts = await askHealth(guest.channel(), registry, { timeout: HEALTH_TIMEOUT * guest.scale, signal });
      const kernel = facts.kernel.value as { release?: string } | undefined;
      return { findings: judgeHealth(console, facts, options), kernel: kernel?.release };
    } catch (error) {
      const findings = judgeHealth(console, undefined, options);
      // A guest that is gone, or a run that was interrupted, has its own entry in the record.
      if (signal.aborted || (await within(guest.lost, 0))) return { findings, kernel: undefined };
      const message = `the health of the guest could not be learned: ${asGvmError(error).message}`;
      return { findings: [...findings, { kind: 'unknown', message, when }], kernel: undefined };
    }
  };
}

/** Copies console logs into the reports. */
function consoleSaver({ output, mask }: RunSuitesOptions) {
  return async (guest: string, log: string): Promise<string | undefined> => {
    try {
      return await publishConsole(log, guest, output, mask);
    } catch {
      // A report without a console log is worth more than none.
      return undefined;
    }
  };
}

/** The signal that ended a run. */
export function interruption({ aborted, reason }: AbortSignal): RunRecord['interrupted'] {
  if (!aborted) return undefined;
  return reason instanceof Interrupted && reason.signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT';
}
