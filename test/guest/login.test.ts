import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { generateLoginKey, openSsh } from '../../src/guest/index.ts';
import { type SshServer, sshServer } from './ssh-server.ts';

const secret = 'correct horse';
const byPassword = ({ address }: SshServer) => {
  const { keyPath: _, ...rest } = address;
  return { ...rest, passwordEnv: 'GVM_TEST_PASSWORD' };
};
afterEach(() => vi.unstubAllEnvs());

describe('a login by password', () => {
  test.each([false, true])('takes it from the environment (in a dialogue: %s)', async (dialogue) => {
    await using server = await sshServer({ password: { value: secret, dialogue } });
    vi.stubEnv('GVM_TEST_PASSWORD', secret);
    await using channel = await openSsh(byPassword(server));
    expect((await channel.exec('echo in')).stdout.toString()).toBe('in\n');
  });

  test('says whose password was refused, and not which', async () => {
    await using server = await sshServer({ password: { value: secret } });
    vi.stubEnv('GVM_TEST_PASSWORD', 'battery staple');
    await expect(openSsh(byPassword(server))).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringMatching(/^the guest refused the password in GVM_TEST_PASSWORD for user root/),
    });
  });

  test('needs the variable', async () => {
    await using server = await sshServer({ password: { value: secret } });
    vi.stubEnv('GVM_TEST_PASSWORD', '');
    await expect(openSsh(byPassword(server))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('GVM_TEST_PASSWORD, which is not set'),
    });
  });
});

test('a login by agent uses the keys that the agent holds', async () => {
  await using server = await sshServer();
  const { keyPath, ...rest } = server.address;
  const address = { ...rest, agent: true };
  const folder = mkdtempSync(join(tmpdir(), 'gvm-agent-'));
  const socket = join(folder, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  try {
    vi.stubEnv('SSH_AUTH_SOCK', socket);
    await expect
      .poll(() => {
        try {
          execFileSync('ssh-add', ['-q', keyPath ?? ''], { stdio: 'ignore' });
          return true;
        } catch {
          return false;
        }
      })
      .toBe(true);
    await using channel = await openSsh(address);
    expect((await channel.exec('echo in')).stdout.toString()).toBe('in\n');
    vi.stubEnv('SSH_AUTH_SOCK', '');
    await expect(openSsh(address)).rejects.toMatchObject({ code: 'usage' });
  } finally {
    agent.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a key with a passphrase is told apart from one that is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-key-'));
  const path = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', secret, '-f', path]);
  await using server = await sshServer();
  await expect(openSsh({ ...server.address, keyPath: path })).rejects.toMatchObject({
    code: 'usage',
    hint: expect.stringContaining('agent'),
  });
  writeFileSync(path, generateLoginKey('other').privateKey);
  await expect(openSsh({ ...server.address, keyPath: path })).rejects.toMatchObject({
    code: 'login-refused',
    message: expect.stringContaining(`the key ${path} for user root`),
  });
  rmSync(folder, { recursive: true, force: true });
});
