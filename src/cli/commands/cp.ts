import { existsSync, statSync } from 'node:fs';
import { basename, join, posix, resolve } from 'node:path';
import { formatDuration, formatSize, monotonic, parseDuration, printable } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { type Channel, download, guestWord, type TransferReport, upload } from '../../guest/index.ts';
import type { Command, Context } from '../command.ts';
import { enter, findGuest } from '../running.ts';

/** `GUEST:PATH`, `RUN/GUEST:PATH` or `:PATH`; a file of the host whose name looks so is written with `./` before it. */
const IN_GUEST = /^((?:[0-9a-f]{8}\/)?[A-Za-z0-9-]*):(.+)$/s;

interface Copy {
  channel: Channel;
  recursive: boolean;
  owner: string | undefined;
  timeout?: number;
}

function usage(message: string, hint?: string): GvmError {
  return new GvmError({ code: 'usage', message: `gvm cp: ${message}`, hint });
}

/** Whether a path of the guest is a folder. */
async function isGuestFolder(channel: Channel, path: string): Promise<boolean> {
  return (await channel.exec(`[ -d ${guestWord(path)} ]`)).exitCode === 0;
}

async function copyIn(
  { channel, recursive, owner, ...limits }: Copy,
  from: string,
  to: string,
): Promise<TransferReport> {
  if (statSync(from).isDirectory() && !recursive) throw usage(`${from} is a folder`, '-R copies it');
  const inside = to.endsWith('/') || (await isGuestFolder(channel, to));
  return await upload(channel, { from, to: inside ? posix.join(to, basename(from)) : to, owner, ...limits });
}

async function copyOut(
  { channel, recursive, owner, ...limits }: Copy,
  from: string,
  to: string,
): Promise<TransferReport> {
  if (owner !== undefined && owner !== 'keep') throw usage('--owner takes keep alone for what comes out of a guest');
  if (!recursive && (await isGuestFolder(channel, from)))
    throw usage(`${from} is a folder in the guest`, '-R copies it');
  const inside = to.endsWith('/') || (existsSync(to) && statSync(to).isDirectory());
  const target = inside ? join(to, posix.basename(posix.resolve('/', from)) || 'root') : to;
  return await download(channel, { from, to: target, owners: owner === 'keep', ...limits });
}

function render({ files, bytes, durationMs, leftOut }: TransferReport & { durationMs: number }): string {
  const lines = leftOut.map(({ path, reason }) => `left out: ${printable(path)}: ${reason}`);
  return [
    ...lines,
    `${files} ${files === 1 ? 'file' : 'files'}, ${formatSize(bytes)} in ${formatDuration(durationMs)}`,
  ].join('\n');
}

async function copy(context: Context, source: string, target: string): Promise<number> {
  const [from, to] = [IN_GUEST.exec(source), IN_GUEST.exec(target)];
  const side = from ?? to;
  if (!side || (from && to))
    throw usage('one of SRC and DST is GUEST:PATH', 'for example: gvm cp notes.txt guest:/root/');
  const given = context.text('timeout');
  const limit = given === undefined ? undefined : parseDuration(given);
  if (given !== undefined && limit === undefined) throw usage(`--timeout: "${given}" is no duration`);
  const guest = await findGuest(context, side[1] || undefined);
  await using channel = await enter(guest);
  const options: Copy = {
    channel,
    recursive: context.flag('recursive'),
    owner: context.text('owner'),
    ...(limit === undefined ? {} : { timeout: limit * guest.scale }),
  };
  const began = monotonic();
  const inGuest = side[2] ?? '';
  const report = await (from
    ? copyOut(
        options,
        inGuest,
        target.endsWith('/') ? `${resolve(context.cwd, target)}/` : resolve(context.cwd, target),
      )
    : copyIn(options, resolve(context.cwd, source), inGuest));
  context.show({ guest: guest.name, ...report, durationMs: monotonic() - began }, render);
  return 0;
}

export const cp: Command = {
  usage: 'SRC DST',
  about:
    'One of SRC and DST is GUEST:PATH; GUEST may be left out when only one runs. Modes, times and links are kept. What goes in\nbelongs to root, what comes out to you, unless --owner says otherwise. Links that lead out of a copied folder, devices and\nset-user-ID bits do not come out of a guest; each is named.',
  options: ['recursive', 'owner', 'timeout'],
  examples: [
    ['gvm cp app.conf web-1:/etc/app.conf', 'a file into a guest'],
    ['gvm cp :/var/log/messages .', 'a file out of the only guest'],
    ['gvm cp -R tests/ :/root/', 'a folder with all that is in it'],
  ],
  words: [2, 2],
  run: (context) => copy(context, context.words[0] ?? '', context.words[1] ?? ''),
};
