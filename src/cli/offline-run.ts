import { relative, resolve } from 'node:path';
import type { RunOfflineOptions } from '../engine/index.ts';
import { GvmError } from '../errors/index.ts';
import { findImage, openStore } from '../image/index.ts';
import { chooseReporters, createMask, renderSummary } from '../report/index.ts';
import type { Registry, SuitePlan } from '../suite/index.ts';
import { logBuild } from './build-progress.ts';
import type { Context } from './command.ts';
import { readKeys } from './disk/keys.ts';
import { progressTo, publish } from './publish.ts';
import { version } from './version.ts';

export interface OfflineRun {
  plans: readonly SuitePlan[];
  registry: Registry;
  signal: AbortSignal;
  secrets: readonly string[];
  about: RunOfflineOptions['about'];
  passWithNoChecks: boolean;
}

/** Runs suites against powered-off disks, writes the reports, and shows the summary. @returns the exit code */
export async function runPlansOffline(context: Context, options: OfflineRun): Promise<number> {
  if (context.texts('kernel').length > 0) {
    throw new GvmError({ code: 'usage', message: '--kernel: --offline boots nothing, so no kernel can be given' });
  }
  const { runOffline } = await import('../engine/index.ts');
  const { plans, registry, signal, secrets, about, passWithNoChecks } = options;
  const reporters = chooseReporters(context.text('reporter'));
  const output = resolve(context.cwd, context.text('output') ?? 'reports');
  const mask = createMask(secrets);
  const emit = progressTo(context, mask);
  const run = await runOffline({
    plans,
    registry,
    find: (plan) =>
      diskOf(context, plan.cell?.image ?? plan.image ?? 'default', {
        kernel: plan.cell?.machine.kernel ?? plan.machine.kernel,
        signal,
      }),
    keys: await readKeys(context.texts('key-file'), context.cwd),
    log: context.log,
    signal,
    emit,
    passWithNoChecks,
    about,
  });
  const { record, reports } = await publish(context, run, { output, reporters, secrets });
  const shown = reports.map((path) => relative(context.cwd, path));
  context.show(record, () => renderSummary(record, { color: context.color, tests: false, reports: shown }));
  return record.exitCode;
}

/** The disk of an image, by name or file; an image that is not built yet is built. */
export async function diskOf(
  context: Context,
  asked: string,
  { kernel, signal }: { kernel: string | undefined; signal: AbortSignal },
): ReturnType<RunOfflineOptions['find']> {
  const settings = await context.settings();
  const { image, chain } = await findImage(asked === 'default' ? settings.image : asked, {
    cwd: context.cwd,
    recipes: settings.images,
    store: openStore((await context.state()).home),
    format: context.text('format'),
    allow: context.texts('allow-backing'),
    log: context.log,
    signal,
    version: version(),
    onEvent: logBuild(context.log),
  });
  return { name: image.name, digest: image.digest, chain, kernel };
}
