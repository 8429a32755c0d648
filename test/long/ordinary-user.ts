import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An account that is not root and has subordinate ids. */
export interface OrdinaryUser {
  name: string;
  uid: number;
  gid: number;
}

/** Who runs the tests, where that is not root; else the first account of /etc/subuid; undefined where there is none. */
export function ordinaryUser(): OrdinaryUser | undefined {
  const names = readFileSync('/etc/subuid', 'utf8')
    .split('\n')
    .map((line) => line.split(':')[0] ?? '');
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    const own = process.getuid?.();
    const found = own === 0 ? uid !== '0' && names.includes(name) : Number(uid) === own && names.includes(name);
    if (found) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
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
): string {
  const identity = ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups'];
  const change = process.getuid?.() === 0 ? ['setpriv', ...identity] : [];
  const [program = '', ...args] = [...change, ...command];
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '', HOME: folder, USER: user.name, LOGNAME: user.name, ...env },
  });
}
