import type { Client } from 'ssh2';
import { clip, printable } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { SshLogin } from './address.ts';
import { passwordOf } from './credentials.ts';
import { startCommand } from './shell.ts';

/** How a command becomes root's: words before its shell, and what these want to read first. */
export interface Elevation {
  prefix: string;
  /** A line for the command's input; it stands in no argument list. */
  secret?: string;
}

export const asUser: Elevation = { prefix: '' };

/** Each way without a password, and with one, where there is such a way. `doas` asks on a terminal alone. */
const ways: Record<'sudo' | 'doas', { without: string; with?: string }> = {
  // -k: a password that sudo remembers would stay unread, and be the command's input.
  sudo: { without: 'sudo -n', with: "sudo -S -k -p ''" },
  doas: { without: 'doas -n' },
};

/**
 * Finds out how a user's commands become root's.
 * @throws GvmError `login-refused` with what sudo or doas said
 */
export async function elevate(client: Client, login: SshLogin, signal: AbortSignal | undefined): Promise<Elevation> {
  const { become = 'none', user } = login;
  if (become === 'none' || user === 'root') return asUser;
  const way = ways[become];
  const first = await attempt(client, way.without, '', signal);
  if (first === undefined) return { prefix: `${way.without} ` };
  if (!way.with || login.passwordEnv === undefined) throw refusal(login, first);
  const secret = `${passwordOf(login)}\n`;
  const second = await attempt(client, way.with, secret, signal);
  if (second !== undefined) throw refusal(login, second);
  return { prefix: `${way.with} `, secret };
}

/** @returns what it said where it did not work */
async function attempt(
  client: Client,
  way: string,
  input: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  await using command = await startCommand(
    client,
    `${way} true`,
    { env: { LC_ALL: 'C' }, ...(signal ? { signal } : {}) },
    asUser,
  );
  let said = '';
  command.stdout.resume();
  command.stderr.on('data', (chunk: Buffer) => {
    said = clip(said + chunk.toString('utf8'), 1000);
  });
  command.stdin.end(input);
  const { exitCode } = await command.ended;
  return exitCode === 0 ? undefined : printable(said.trim()) || `it ended with status ${exitCode}`;
}

function refusal({ user, become, passwordEnv }: SshLogin, said: string): GvmError {
  return new GvmError({
    code: 'login-refused',
    message: `user ${user} may not become root by ${become}: ${said}`,
    hint:
      passwordEnv === undefined || become === 'doas'
        ? `let ${user} use ${become} without a password, or log in as root`
        : `is the password in ${passwordEnv} right, and may ${user} use ${become}?`,
  });
}
