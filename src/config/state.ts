import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { GvmError } from '../errors/index.ts';

/** The two folders in which gvm keeps what it must remember (design §4, State). */
export interface StateFolders {
  /** Store, caches, records; survives a restart of the host. */
  home: string;
  /** Sockets and pid files of what runs now; 0700 and ours. */
  runtime: string;
}

/** Room that a socket's own name needs below the runtime folder; a UNIX socket path has at most 107 bytes. */
const SOCKET_NAME = 40;

/**
 * Finds and makes the state folders.
 * @throws GvmError `host-resource` where the runtime folder is not ours alone or its path is too long for sockets.
 */
export function openStateFolders(env: NodeJS.ProcessEnv = process.env): StateFolders {
  const home = env.GVM_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gvm');
  mkdirSync(home, { recursive: true });
  const { uid } = userInfo();
  const runtime = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'gvm') : join(tmpdir(), `gvm-${uid}`);
  if (Buffer.byteLength(runtime) + SOCKET_NAME > 107) {
    throw new GvmError({
      code: 'host-resource',
      message: `the path of the runtime folder ${runtime} is too long for sockets`,
      hint: 'set XDG_RUNTIME_DIR or TMPDIR to a shorter path',
    });
  }
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const stat = lstatSync(runtime);
  if (!stat.isDirectory() || stat.uid !== uid) {
    throw new GvmError({
      code: 'host-resource',
      message: `the runtime folder ${runtime} is not a folder of user ${uid}`,
      hint: `remove ${runtime}, or set XDG_RUNTIME_DIR to a folder of your own`,
    });
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(runtime, 0o700);
  return { home, runtime };
}
