import { join, resolve } from 'node:path';
import { printable } from '../../core/index.ts';
import { filesOf } from '../../disk/index.ts';
import { asGvmError, GvmError } from '../../errors/index.ts';
import { type Inspection, inspectImage, inspectSystem, rememberInspection, type Stage } from '../../inspect/index.ts';
import { lookAt, nextChange } from '../changes.ts';
import type { Command, Context } from '../command.ts';
import { renderInspection } from '../disk/inspection.ts';
import { readKeys } from '../disk/keys.ts';
import { type Output, openOutput } from '../disk/output.ts';
import { openProgress } from '../disk/progress.ts';
import { chainNamed, diskOptions, interruptible, openNamed } from '../disk/session.ts';
import { jobsOf } from '../jobs.ts';

/** For one question to a guest, before scaling. */
const GUEST_DEADLINE = 60_000;

async function inspectNamed(
  context: Context,
  image: string,
  keys: readonly Buffer[],
  stage: Stage,
  signal: AbortSignal,
): Promise<Inspection> {
  const { opened } = context;
  if (opened) return await inspectImage(opened.disk, { image, keys, stage, signal });
  const read = async () => {
    await using disk = await openNamed(context, image, signal);
    return await inspectImage(disk, { image, keys, stage, signal });
  };
  // What a key opened is not written down in the clear; of a server nothing says whether it has changed.
  const chain = keys.length > 0 || context.flag('fresh') ? undefined : await chainNamed(context, image);
  if (!chain) return await read();
  const found = await rememberInspection(join((await context.state()).home, 'inspections'), chain, read);
  return { ...found, image };
}

/** Reads several images beside one another, and hands out each in the order in which they were named. */
async function inspectAll(
  context: Context,
  images: readonly string[],
  keys: readonly Buffer[],
  signal: AbortSignal,
  show: (found: Inspection) => Promise<void>,
): Promise<number> {
  const jobs = jobsOf(context);
  const waiting: Promise<Inspection>[] = [];
  const stages = images.map((): Stage => ({ section: '', files: 0 }));
  using progress = openProgress(process.stderr, context.verbosity >= 0);
  let code = 0;
  for (const [i, image] of images.entries()) {
    while (waiting.length < Math.min(images.length, i + jobs)) {
      const at = waiting.length;
      const next = inspectNamed(context, images[at] ?? '', keys, stages[at] as Stage, signal);
      next.catch(() => {});
      waiting.push(next);
    }
    const { [i]: stage } = stages;
    const which = images.length > 1 ? `${i + 1} of ${images.length}, ` : '';
    progress.say(() => printable(`${which}${image}: ${stage?.section}, ${stage?.files} files`));
    try {
      const found = await (waiting[i] as Promise<Inspection>);
      progress.say(undefined);
      await show(found);
    } catch (thrown) {
      progress.say(undefined);
      // Of several images one may be bad, and one that is watched may be so for a while; else it is the error of the command.
      if ((context.words.length === 1 && !context.flag('watch')) || signal.aborted) throw thrown;
      const error = asGvmError(thrown);
      context.log.warn(printable(`${image}: ${error.message}`));
      code ||= error.exitCode;
    }
  }
  return code;
}

/** The files of an image as they are now; what cannot be opened is watched by its name. */
async function filesNamed(context: Context, image: string): Promise<string[]> {
  try {
    const chain = await chainNamed(context, image);
    if (chain) return filesOf(chain);
  } catch {
    return [resolve(context.cwd, image)];
  }
  throw new GvmError({ code: 'usage', message: `--watch: nothing says when ${image} changes on its server` });
}

/** Inspects images, and each again whenever one of its files has changed, until the signal that ends gvm. */
async function watchImages(
  context: Context,
  keys: readonly Buffer[],
  signal: AbortSignal,
  show: (found: Inspection) => Promise<void>,
): Promise<never> {
  if (context.opened) throw new GvmError({ code: 'usage', message: '--watch: the image stays open as it is' });
  const files = new Map<string, string[]>();
  let looked = new Map<string, string>();
  for (let due = context.words; ; ) {
    for (const image of due) files.set(image, await filesNamed(context, image));
    // What is written while they are read is seen afterwards.
    for (const [file, look] of lookAt(due.flatMap((image) => files.get(image) ?? []))) looked.set(file, look);
    await inspectAll(context, due, keys, signal, show);
    looked = new Map([...looked].filter(([file]) => [...files.values()].some((own) => own.includes(file))));
    context.log.info(`watching ${looked.size} ${looked.size === 1 ? 'file' : 'files'}; Ctrl-C ends it`);
    const changed = await nextChange(looked, signal);
    due = context.words.filter((image) => files.get(image)?.some((file) => changed.has(file)));
  }
}

function shower(context: Context, output: Output): (found: Inspection) => Promise<void> {
  const several = context.words.length > 1 || context.flag('watch');
  return async (found) => {
    const json = JSON.stringify(found, null, several ? 0 : 2);
    await output.line(context.flag('json') ? json : renderInspection(found, { color: context.color }));
    await output.flush();
  };
}

/** Loaded late, and beside the function that uses them: the compiler forgets the names of files in one with `using`. */
const guestParts = async () => ({ ...(await import('../running.ts')), ...(await import('../../facts/index.ts')) });

/** Asks a running guest for the same, read by the same readers. */
async function inspectGuest(context: Context, signal: AbortSignal): Promise<Inspection> {
  const wrong = [...diskOptions, 'jobs', 'fresh', 'watch'] as const;
  const other = wrong.find((name) => context.flag(name) || context.text(name) || context.texts(name).length > 0);
  if (context.words.length > 0 || other) {
    const what = other ? `--${other}` : `the image ${context.words[0]}`;
    throw new GvmError({ code: 'usage', message: `--guest asks a guest that runs: leave out ${what}` });
  }
  const { enter, findGuest, openRunning } = await guestParts();
  const guest = await findGuest(context, context.text('guest'));
  await using channel = await enter(guest);
  const system = await openRunning({ channel, timeout: GUEST_DEADLINE * guest.scale, signal });
  return await inspectSystem(system, { image: guest.name });
}

export const inspect: Command = {
  usage: 'IMAGE… | --guest GUEST',
  about:
    'Read by gvm itself from the powered-off disk: nothing is booted, mounted or run. With --json an image is one document\n(`gvm schema inspect`), several are one document a line. What was read is kept until a file of the image changes.\nOf passwords and keys only state and kind are told. With --guest a running guest is asked for the same.',
  options: [...diskOptions, 'jobs', 'fresh', 'watch', 'guest'],
  completes: 'images',
  examples: [
    [
      'gvm inspect disk.qcow2',
      'system, disks, boot loader, kernels, packages, services, accounts, secrets left behind',
    ],
    ['gvm inspect disk.qcow2 --json | jq .sections.packages', 'one part of it, complete'],
    ['gvm inspect *.qcow2 --json -j auto', 'several images at once, a line of JSON for each'],
    ['gvm inspect disk.qcow2 --watch', 'again each time that the image was written'],
  ],
  words: [0, 1000],
  run: (context) =>
    interruptible(async (signal) => {
      const guest = context.text('guest');
      if (guest === undefined && context.words.length === 0)
        throw new GvmError({
          code: 'usage',
          message: 'gvm inspect: too few words',
          hint: `usage: gvm inspect ${inspect.usage}`,
        });
      if (guest !== undefined) {
        await shower(context, openOutput(process.stdout))(await inspectGuest(context, signal));
        return 0;
      }
      const keys = await readKeys(context.texts('key-file'), context.cwd);
      const show = shower(context, openOutput(process.stdout));
      if (context.flag('watch')) return watchImages(context, keys, signal, show);
      return inspectAll(context, context.words, keys, signal, show);
    }),
};
