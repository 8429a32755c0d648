import { readFileSync } from 'node:fs';
import ssh2, { type ConnectConfig } from 'ssh2';
import { GvmError } from '../../errors/index.ts';
import type { SshLogin } from './address.ts';

type Credentials = Pick<ConnectConfig, 'privateKey' | 'agent' | 'password' | 'tryKeyboard'>;

/**
 * What a login is proved with, read at the last moment: a key file, the user's ssh agent, or a variable of the
 * environment.
 * @throws GvmError `usage` where the agent or the variable is not there, or the key cannot be used
 */
export function credentials(login: SshLogin): Credentials {
  if (login.passwordEnv !== undefined) return { password: passwordOf(login), tryKeyboard: true };
  if (login.agent) {
    const agent = process.env.SSH_AUTH_SOCK;
    if (agent) return { agent };
    throw new GvmError({
      code: 'usage',
      message: 'login: agent needs an ssh agent, and SSH_AUTH_SOCK is not set',
      hint: 'eval "$(ssh-agent)" && ssh-add, or give login: key',
    });
  }
  const privateKey = readFileSync(login.keyPath ?? '');
  const parsed = ssh2.utils.parseKey(privateKey);
  if (!(parsed instanceof Error)) return { privateKey };
  throw new GvmError({
    code: 'usage',
    message: `the login key ${login.keyPath} cannot be used: ${parsed.message}`,
    hint: /passphrase/i.test(parsed.message) ? 'add it to an ssh agent and say login: { agent: true }' : undefined,
    cause: parsed,
  });
}

/** The password in the variable that a login names; empty where it names none. @throws GvmError `usage` if it is unset */
export function passwordOf({ passwordEnv }: SshLogin): string {
  if (passwordEnv === undefined) return '';
  const password = process.env[passwordEnv];
  if (password) return password;
  throw new GvmError({
    code: 'usage',
    message: `the login needs a password in the variable ${passwordEnv}, which is not set`,
  });
}

/** A login in a few words, for messages. */
export function proofOf({ keyPath, agent, passwordEnv }: SshLogin): string {
  if (passwordEnv !== undefined) return `the password in ${passwordEnv}`;
  return agent ? 'every key of the ssh agent' : `the key ${keyPath}`;
}
