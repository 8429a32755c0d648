import { stat } from 'node:fs/promises';
import { basename, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { shellQuote } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Channel } from '../channel.ts';
import { conduct, type TransferOptions } from './conduct.ts';
import { guestWord } from './names.ts';
import { packHost } from './pack.ts';
import type { TransferReport } from './report.ts';

export interface UploadOptions extends TransferOptions {
  /** A file or folder of the host. */
  from: string;
  /** Its path in the guest; folders above it are made. A tree is laid over what is there. */
  to: string;
  /** The mode of a file. Default: its own. */
  mode?: number | undefined;
  /** `USER` or `USER:GROUP` of the guest, by name or number; `keep` keeps the numbers of the host. Default root. */
  owner?: string | undefined;
}

/**
 * Copies a file or tree of the host into a guest, with modes, times, symbolic and hard links. The guest needs `tar`.
 * Owners can be set by root alone; another user owns what he uploads.
 * @throws GvmError `transfer-failed` with the guest's words, `file-missing`, `usage`, `channel-closed`, `deadline`; or
 * the signal's reason
 */
export async function upload(channel: Pick<Channel, 'start'>, options: UploadOptions): Promise<TransferReport> {
  const { from, to, owner, mode } = options;
  const tree = (await stat(from)).isDirectory();
  const name = basename(to);
  const folder = tree ? to : posix.dirname(to);
  const report: TransferReport = { files: 0, bytes: 0, leftOut: [] };
  const what = `the upload of ${from} to ${to}`;
  await conduct(channel, script({ tree, to, folder, owner }), what, options, async ({ command, signal, end }) => {
    const packed = packHost(from, { name: `./${name}`, mode, owners: owner === 'keep' }, report);
    command.stdout.resume();
    const sent = pipeline(packed, command.stdin, { signal });
    const failure = await sent.then(
      () => undefined,
      (error: unknown) => error,
    );
    signal.throwIfAborted();
    if (failure instanceof GvmError) throw failure;
    const { exitCode, said } = await end();
    if (exitCode === 0 && failure === undefined) return;
    if (exitCode === 0) throw failure;
    throw new GvmError({
      code: 'transfer-failed',
      message: `${what} failed in the guest${said ? `: ${said}` : ` with status ${exitCode}`}`,
      cause: failure,
    });
  });
  return report;
}

interface Target {
  tree: boolean;
  to: string;
  folder: string;
  owner: string | undefined;
}

function script({ tree, to, folder, owner }: Target): string {
  const path = guestWord(to);
  const lines = ['umask 022'];
  if (!tree) lines.push(`if [ -d ${path} ]; then echo ${shellQuote(to)} is a folder >&2; exit 1; fi`);
  lines.push(`mkdir -p ${guestWord(folder)} && tar -x -p -f - -C ${guestWord(folder)} || exit`);
  if (owner !== undefined && owner !== 'keep') lines.push(`chown -h ${tree ? '-R ' : ''}${shellQuote(owner)} ${path}`);
  return lines.join('\n');
}
