import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { printable, shellQuote } from '../../core/index.ts';
import { openChain, openTree, readLayout } from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import { collect, collectOffline, PoweredOff } from '../../facts/index.ts';
import { type Ownership, runOwned } from '../../lab/index.ts';
import {
  builtins,
  compileSuite,
  type LearnOptions,
  type Learnt,
  learn as learnTests,
  readWanted,
  writeLearnt,
} from '../../suite/index.ts';
import type { Command, Context } from '../command.ts';
import { readKeys } from '../disk/keys.ts';
import { diskOf } from '../offline-run.ts';
import type { OptionName } from '../options.ts';
import { bootOptions, imageOptions, openSetup } from '../setup.ts';
import { version } from '../version.ts';

/** Before scaling; the search for setuid files goes through the whole disk. */
const DEADLINE = 120_000;

/** What was learnt, and of which state of the image. */
interface Lesson {
  learnt: Learnt;
  digest: string;
}

type Learn = (ask: LearnOptions['ask']) => Promise<Learnt>;

/** Boots the image for this. */
async function ofGuest(context: Context, image: string, ownership: Ownership, learn: Learn): Promise<Lesson> {
  await using setup = await openSetup(context, ownership);
  const guest = await setup.start(image, 'learn');
  const options = { facts: builtins.facts, timeout: DEADLINE * guest.scale, signal: ownership.signal };
  const learnt = await learn((requests) => collect(requests, { ...options, channel: guest.channel() }));
  const { user, become } = guest.spec.machine.login;
  if (user !== 'root' && become === 'none')
    context.log.info(
      `looked as the user ${user}: "machine: { login: { become: sudo } }" in gvm.yaml shows what root sees`,
    );
  return { learnt, digest: guest.spec.image.digest };
}

async function ofDisk(context: Context, image: string, { signal }: Ownership, learn: Learn): Promise<Lesson> {
  const { chain, digest } = await diskOf(context, image, { kernel: undefined, signal });
  await using opened = await openChain(chain, { log: context.log, signal });
  const keys = await readKeys(context.texts('key-file'), context.cwd);
  const layout = await readLayout(opened.source, { keys, signal });
  const disk = new PoweredOff(layout, await openTree(layout, undefined, signal), { signal });
  const learnt = await learn((requests) => collectOffline(requests, { facts: builtins.facts, disk }));
  return { learnt, digest };
}

/** The file to write, as it was named. @throws GvmError `usage` for one that may not be written */
function outputOf(context: Context): string | undefined {
  const name = context.text('output');
  const refuse = (message: string, hint?: string) => new GvmError({ code: 'usage', message, hint });
  if (name === undefined) return undefined;
  if (!name.endsWith('.gvm.yaml')) throw refuse(`--output: ${name}: the name of a suite ends in .gvm.yaml`);
  if (existsSync(resolve(context.cwd, name)) && !context.flag('force'))
    throw refuse(`--output: ${name} exists`, '--force writes over it');
  return name;
}

/** The values of an option, whether or not it may be given several times. */
function given(context: Context, name: OptionName): string[] {
  const one = context.text(name);
  return one === undefined ? context.texts(name) : [one];
}

/** What was given, without what says only where the text goes. */
function commandLine(context: Context): string {
  const options = bootOptions.flatMap((name) => given(context, name).flatMap((value) => [`--${name}`, value]));
  const offline = context.flag('offline') ? ['--offline'] : [];
  return ['gvm', 'learn', ...context.words, ...offline, ...options].map(shellQuote).join(' ');
}

async function save(context: Context, name: string, text: string): Promise<void> {
  const flag = context.flag('force') ? 'w' : 'wx';
  await writeFile(resolve(context.cwd, name), text, { flag }).catch((cause: Error) => {
    throw new GvmError({ code: 'file-missing', message: `${name} cannot be written: ${cause.message}`, cause });
  });
}

export const learn: Command = {
  usage: 'IMAGE [KIND[:NAME]…]',
  about:
    'Boots the image, looks at it, and prints a suite that holds of it; --output writes it to a file. Without a KIND it learns kernel,\nrunlevel, services, ports, mounts, accounts, important files, setuid programs and packages; group, process, interface and\nkernel-param take a NAME. With --offline nothing is booted: it learns what the powered-off disk can tell.',
  options: ['offline', 'key-file', 'output', 'force', ...bootOptions],
  completes: 'images',
  examples: [
    ['gvm learn openrc --output a.gvm.yaml', 'then: gvm test a.gvm.yaml'],
    ['gvm learn openrc service:sshd user:root', 'these alone'],
    ['gvm learn openrc service file', 'all services that are started at boot, and important files'],
    ['gvm learn disk.qcow2 --offline', 'of a disk, booting nothing'],
  ],
  words: [1, 1000],
  async run(context) {
    const [image = 'default', ...words] = context.words;
    const wanted = readWanted(words, builtins);
    const output = outputOf(context);
    const offline = context.flag('offline');
    const meant = bootOptions.filter((name) => !imageOptions.some((own) => own === name));
    const useless = meant.find((name) => given(context, name).length > 0);
    if (offline && useless)
      throw new GvmError({ code: 'usage', message: `--${useless}: --offline boots nothing, so it has no machine` });
    if (!offline && context.texts('key-file').length > 0)
      throw new GvmError({ code: 'usage', message: '--key-file: only --offline opens what is encrypted' });
    return await runOwned(async (ownership) => {
      const { learnt, digest } = await (offline ? ofDisk : ofGuest)(context, image, ownership, (ask) =>
        learnTests({ wanted, registry: builtins, ask }),
      );
      for (const reason of learnt.missing) context.log.info(printable(`not learnt: ${reason}`));
      if (learnt.tests.length === 0)
        throw new GvmError({ code: 'nothing-to-run', message: `nothing could be learnt of ${image}` });
      const origin = { image, digest, command: commandLine(context), offline, gvm: version(), date: new Date() };
      const text = writeLearnt(learnt, origin);
      compileSuite(text, output ?? 'learnt.gvm.yaml', builtins);
      if (output !== undefined) await save(context, output, text);
      const written = { image, digest, offline, ...learnt, ...(output === undefined ? { suite: text } : { output }) };
      context.show(written, () => (output === undefined ? text.trimEnd() : `written: ${output}`));
      return 0;
    });
  },
};
