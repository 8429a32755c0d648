import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** An account that is not root and has subordinate ids. */
export interface OrdinaryUser {
  name: string;
  uid: number;
  gid: number;
}

/** Known to nothing but a mount namespace in which these files have one line more. */
const ACCOUNT = { name: 'gvm-builder', uid: 61_234, gid: 61_234 } as const satisfies OrdinaryUser;
const LINES = {
  passwd: `${ACCOUNT.name}:x:${ACCOUNT.uid}:${ACCOUNT.gid}::/:/bin/sh\n`,
  group: `${ACCOUNT.name}:x:${ACCOUNT.gid}:\n`,
  subuid: `${ACCOUNT.name}:2000000:65536\n`,
  subgid: `${ACCOUNT.name}:2000000:65536\n`,
};

/** Who runs the tests, and where that is root an account made for it; undefined where who runs them has no such ids. */
export function ordinaryUser(): OrdinaryUser | undefined {
  const { username: name, uid, gid } = userInfo();
  if (uid === 0) return ACCOUNT;
  const named = readFileSync('/etc/subuid', 'utf8').split('\n');
  return named.some((line) => line.startsWith(`${name}:`)) ? { name, uid, gid } : undefined;
}

/** A folder of that account. */
export function folderOf(user: OrdinaryUser): string {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-user-'));
  chownSync(folder, user.uid, user.gid);
  return folder;
}

/** Runs a program as that account, in its folder, and returns what it prints. */
export function runAs(
  user: OrdinaryUser,
  folder: string,
  command: readonly string[],
  env: Record<string, string>,
  options: BecomeOptions = {},
): string {
  const [program = '', ...args] = [...(user === ACCOUNT ? become(folder, options) : []), ...command];
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '', HOME: folder, USER: user.name, LOGNAME: user.name, ...env },
  });
}

export interface BecomeOptions {
  /** A `/dev` without KVM, block devices and everything else that is not needed to read files, and no capability left. */
  bare?: boolean;
}

function bareDev(at: string): string[] {
  return [
    ...[`mkdir ${at}`, `mount -t tmpfs -o mode=755 none ${at}`],
    ...['null', 'zero', 'urandom', 'random'].map(
      (name) => `touch ${at}/${name} && mount --bind /dev/${name} ${at}/${name}`,
    ),
    ...[`ln -s /proc/self/fd ${at}/fd`, `mount --rbind ${at} /dev`],
  ];
}

/** What root puts before a command so that the account runs it. */
function become(folder: string, { bare = false }: BecomeOptions): string[] {
  const mounts = Object.entries(LINES).map(([file, line]) => {
    const copy = join(folder, `etc-${file}`);
    writeFileSync(copy, readFileSync(`/etc/${file}`, 'utf8') + line);
    return `mount --bind '${copy}' /etc/${file}`;
  });
  const powerless = bare ? ' --no-new-privs --bounding-set -all --inh-caps -all' : '';
  const identity = `--reuid ${ACCOUNT.uid} --regid ${ACCOUNT.gid} --clear-groups${powerless}`;
  const dev = bare ? bareDev(join(folder, 'dev')) : [];
  return ['unshare', '--mount', 'sh', '-c', [...mounts, ...dev, `exec setpriv ${identity} "$@"`].join(' && '), 'sh'];
}
