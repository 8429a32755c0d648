import { join } from 'node:path';
import { printable } from '../../core/index.ts';
import { asGvmError } from '../../errors/index.ts';
import { type Inspection, inspectImage, rememberInspection } from '../../inspect/index.ts';
import type { Command, Context } from '../command.ts';
import { renderInspection } from '../disk/inspection.ts';
import { readKeys } from '../disk/keys.ts';
import { type Output, openOutput } from '../disk/output.ts';
import { chainNamed, diskOptions, interruptible, openNamed } from '../disk/session.ts';
import { jobsOf } from '../jobs.ts';

async function inspectNamed(
  context: Context,
  image: string,
  keys: readonly Buffer[],
  signal: AbortSignal,
): Promise<Inspection> {
  const { opened } = context;
  if (opened) return await inspectImage(opened.disk, { image, keys, signal });
  const read = async () => {
    await using disk = await openNamed(context, image, signal);
    return await inspectImage(disk, { image, keys, signal });
  };
  // What a key opened is not written down in the clear; of a server nothing says whether it has changed.
  const chain = keys.length > 0 || context.flag('fresh') ? undefined : await chainNamed(context, image);
  if (!chain) return await read();
  const found = await rememberInspection(join(context.state().home, 'inspections'), chain, read);
  return { ...found, image };
}

/** Reads several images beside one another, and hands out each in the order in which they were named. */
async function inspectAll(
  context: Context,
  signal: AbortSignal,
  show: (found: Inspection) => Promise<void>,
): Promise<number> {
  const jobs = jobsOf(context);
  const keys = await readKeys(context.texts('key-file'), context.cwd);
  const waiting: Promise<Inspection>[] = [];
  let code = 0;
  for (const [i] of context.words.entries()) {
    while (waiting.length < Math.min(context.words.length, i + jobs)) {
      const next = inspectNamed(context, context.words[waiting.length] ?? '', keys, signal);
      next.catch(() => {});
      waiting.push(next);
    }
    try {
      await show(await (waiting[i] as Promise<Inspection>));
    } catch (thrown) {
      // Of several images one may be bad; alone it is the error of the command.
      if (context.words.length === 1 || signal.aborted) throw thrown;
      const error = asGvmError(thrown);
      context.log.warn(printable(`${context.words[i]}: ${error.message}`));
      code ||= error.exitCode;
    }
  }
  return code;
}

function shower(context: Context, output: Output): (found: Inspection) => Promise<void> {
  const several = context.words.length > 1;
  return async (found) => {
    const json = JSON.stringify(found, null, several ? 0 : 2);
    await output.line(context.flag('json') ? json : renderInspection(found, { color: context.color }));
    await output.flush();
  };
}

export const inspect: Command = {
  usage: 'IMAGE…',
  about:
    'Read by gvm itself from the powered-off disk: nothing is booted, mounted or run. With --json an image is one document\n(`gvm schema inspect`), several are one document a line. What was read is kept until a file of the image changes.\nOf passwords and keys only state and kind are told.',
  options: [...diskOptions, 'jobs', 'fresh'],
  completes: 'images',
  examples: [
    [
      'gvm inspect disk.qcow2',
      'system, disks, boot loader, kernels, packages, services, accounts, secrets left behind',
    ],
    ['gvm inspect disk.qcow2 --json | jq .sections.packages', 'one part of it, complete'],
    ['gvm inspect *.qcow2 --json -j auto', 'several images at once, a line of JSON for each'],
  ],
  words: [1, 1000],
  run: (context) => interruptible((signal) => inspectAll(context, signal, shower(context, openOutput(process.stdout)))),
};
