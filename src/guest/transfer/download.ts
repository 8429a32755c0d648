import { lstatSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import type { Channel } from '../channel.ts';
import { conduct, type TransferOptions } from './conduct.ts';
import { guestWord } from './names.ts';
import type { TransferReport } from './report.ts';
import { unpackGuest } from './unpack.ts';

export interface DownloadOptions extends TransferOptions {
  /** A file or folder of the guest; a link given here is followed. */
  from: string;
  /** Its path on the host; folders above it are made. A file is replaced; a folder must not be there yet. */
  to: string;
  /** Keeps the numeric owners of the guest, for which gvm must be root. Default: all belongs to the caller. */
  owners?: boolean;
  /** Most bytes that are taken. Default 16 GiB. */
  maxBytes?: number;
}

const MAX_BYTES = 16 * 2 ** 30;
const MISSING = 44;

/**
 * Copies a file or tree of a guest to the host, with modes, times, links and holes. The guest is not trusted: see
 * `unpackGuest`. All is written beside the target and moved there at the end, so a transfer that fails leaves nothing.
 * @throws GvmError `file-missing`, `transfer-refused`, `transfer-failed`, `usage` (the folder is there already),
 * `channel-closed`, `deadline`; or the signal's reason
 */
export async function download(channel: Pick<Channel, 'start'>, options: DownloadOptions): Promise<TransferReport> {
  const { from, maxBytes = MAX_BYTES, owners = false } = options;
  const to = resolve(options.to);
  const there = lstatSync(to, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new GvmError({ code: 'usage', message: `${to} is there already, and is a folder` });
  const report: TransferReport = { files: 0, bytes: 0, leftOut: [] };
  const what = `the download of ${from}`;
  await mkdir(dirname(to), { recursive: true });
  const beside = await mkdtemp(join(dirname(to), `.${basename(to).slice(0, 200)}.`));
  try {
    const folder = join(beside, 'new');
    await mkdir(folder, { mode: 0o700 });
    const found = await conduct(channel, script(from), what, options, async ({ command, signal, end }) => {
      command.stdin.end();
      const limits = { folder, maxBytes, owners, signal };
      const unpacked = await unpackGuest(command.stdout, limits, report).catch((error: unknown) => error);
      // What the guest says of its own tar explains an archive that was cut off, and nothing else.
      if (unpacked instanceof Error && !command.stdout.readableEnded) throw unpacked;
      const { exitCode, said } = await end();
      if (exitCode === MISSING) {
        throw new GvmError({ code: 'file-missing', message: `the guest has no ${from}` });
      }
      if (exitCode !== 0) {
        const message = `${what} failed in the guest${said ? `: ${said}` : ` with status ${exitCode}`}`;
        throw new GvmError({ code: 'transfer-failed', message });
      }
      if (unpacked instanceof Error) throw unpacked;
      for (const line of said.split('\n').filter(Boolean)) report.leftOut.push({ path: from, reason: line });
      return unpacked as Awaited<ReturnType<typeof unpackGuest>>;
    });
    if (!found.tree && there?.isDirectory()) throw new GvmError({ code: 'usage', message: `${to} is a folder` });
    if (found.tree && there) throw new GvmError({ code: 'usage', message: `${to} is there already` });
    await rename(found.tree ? folder : join(folder, found.name ?? ''), to);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return report;
}

/** A folder comes as `.` and what is in it, a file by its name. */
function script(from: string): string {
  const path = guestWord(from);
  const [folder, name] = [posix.dirname(from), posix.basename(from)];
  return [
    `if [ -d ${path} ]; then cd ${path} && exec tar -c -f - .; exit 1; fi`,
    `[ -e ${path} ] || exit ${MISSING}`,
    `cd ${guestWord(folder)} && exec tar -c -h -f - ${guestWord(`./${name}`)}`,
  ].join('\n');
}
