import { dirname, join, resolve } from 'node:path';
import { asGvmError, renderError } from '../errors/index.ts';
import { changedTests, type SuitePlan } from '../suite/index.ts';
import { lookAt, nextChange } from './changes.ts';
import type { Context } from './command.ts';

export interface Watched {
  /** The suites as they are now. @throws GvmError for one that is wrong */
  select(): Promise<SuitePlan[]>;
  run(plans: readonly SuitePlan[]): Promise<number>;
  signal: AbortSignal;
}

/**
 * Runs suites, and what changed of them whenever a file changes: tests that say something else, and all tests of an image
 * or kernel that was made anew. Ends with the signal that ends gvm.
 */
export async function watchSuites(context: Context, { select, run, signal }: Watched): Promise<never> {
  const image = (await context.settings()).image;
  const home = (await context.state()).home;
  const artifacts = (plan: SuitePlan) => artifactsOf(plan, { cwd: context.cwd, image, home });
  let plans = await select();
  let due = plans;
  for (;;) {
    // What is written while they run is seen afterwards; an image that the run itself builds is no change.
    const suites = lookAt(suitesOf(plans, context));
    if (due.length > 0) await run(due);
    const looked = new Map([...suites, ...lookAt(plans.flatMap(artifacts))]);
    process.stderr.write(`watching ${looked.size} files and folders; Ctrl-C ends it\n`);
    const changed = await nextChange(looked, signal);
    try {
      const now = await select();
      const rebuilt = now.filter((plan) => artifacts(plan).some((path) => changed.has(path)));
      const other = changedTests(plans, now).filter(({ key }) => !rebuilt.some((plan) => plan.key === key));
      plans = now;
      due = [...rebuilt, ...other];
    } catch (error) {
      signal.throwIfAborted();
      due = [];
      // A suite that is being written is wrong now and then.
      process.stderr.write(`${renderError(asGvmError(error))}\n`);
    }
  }
}

/** The files of suites, and the folders where new ones appear. */
function suitesOf(plans: readonly SuitePlan[], context: Context): string[] {
  const files = plans.map(({ file }) => resolve(context.cwd, file));
  return [...files, ...files.map((file) => dirname(file))];
}

/** The image and the kernel of a suite, as files of the user or of the store. */
function artifactsOf(plan: SuitePlan, where: { cwd: string; image: string; home: string }): string[] {
  const asked = plan.cell?.image ?? plan.image ?? 'default';
  const name = asked === 'default' ? where.image : asked;
  const stored = join(where.home, 'images', name, 'manifest.json');
  const image = /[/.]/.test(name) ? resolve(where.cwd, name) : stored;
  const kernel = plan.cell?.machine.kernel ?? plan.machine.kernel;
  if (kernel === undefined) return [image];
  const given = resolve(where.cwd, kernel);
  // A build tree is as new as the kernel in it.
  return [image, given, join(given, 'arch/x86/boot/bzImage')];
}
