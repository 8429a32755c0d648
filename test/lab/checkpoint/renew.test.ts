import { execFileSync } from 'node:child_process';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { ownAddress } from '../../../src/lab/checkpoint/identity.ts';
import { renewalOf } from '../../../src/lab/checkpoint/renew.ts';
import type { GuestSpec } from '../../../src/lab/index.ts';

const spec = {
  name: 'fork-1',
  identity: ['hostname', 'machine-id', 'ssh-host-keys', 'mac-addresses'],
  macs: ['02:00:00:00:00:01'],
} as unknown as GuestSpec;
const shells: [string, string[]][] = [
  ['/bin/sh', []],
  ['bash', []],
  ['busybox', ['sh']],
];

// They are only read: run, they would set the clock of this host.
test.each(shells)('what renews a fork can be read by %s', async (program, args) => {
  const { script } = await renewalOf(spec, undefined);
  execFileSync(program, [...args, '-n', '-c', script()]);
});

test.each([
  ['ssh-ed25519', 'ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa'],
  ['ssh-rsa', 'rsa'],
])('of a fork with host keys of its own, that of the kind %s is known', async (type, name) => {
  const { script, hostKey = '' } = await renewalOf(spec, `${type} AAAA`);
  expect(hostKey.split(' ')[0]).toBe(type);
  const secret = new RegExp(`'(-----BEGIN[^']+)' *>/etc/ssh/ssh_host_${name}_key`).exec(script())?.[1] ?? '';
  const key = ssh2.utils.parseKey(secret);
  expect(key).not.toBeInstanceOf(Error);
  expect((key as ssh2.ParsedKey).getPublicSSH().toString('base64')).toBe(hostKey.split(' ')[1]);
});

test('two forks are given nothing that is the same, and without identity nothing but clock and entropy', async () => {
  const renewal = () => renewalOf({ ...spec, macs: [ownAddress()] }, undefined);
  const [one, other] = await Promise.all([renewal(), renewal()]);
  const secrets = (text: string) => text.match(/printf '[^']+'|[0-9a-f]{32}|(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g) ?? [];
  expect(secrets(one.script()).length).toBeGreaterThan(3);
  expect(secrets(one.script()).filter((text) => other.script().includes(text))).toEqual([]);
  const { identity: _, ...plain } = spec;
  const { script, hostKey } = await renewalOf(plain, 'ssh-ed25519 AAAA');
  expect(script()).not.toMatch(/\/etc\/|ssh|ip link/);
  expect(hostKey).toBe('ssh-ed25519 AAAA');
});
