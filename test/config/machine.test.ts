import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { environmentLayers, fileLayer, layerMachine, machineLayer } from '../../src/config/index.ts';

test('a list replaces a list, a map is merged, append adds up, the origin of each value is known', () => {
  const { machine, origins } = layerMachine([
    machineLayer('recipe', { firmware: 'direct', append: 'quiet', login: { user: 'gentoo' }, disks: [{ size: '1G' }] }),
    machineLayer('gvm.yaml', { memory: '2G', login: { port: 2222 }, disks: [{ size: '2G', bus: 'nvme' }] }),
    machineLayer('--append', { append: 'debug' }),
  ]);
  expect(machine).toMatchObject({
    memory: 2 ** 31,
    append: 'quiet debug',
    login: { user: 'gentoo', port: 2222 },
    disks: [{ size: 2 ** 31, bus: 'nvme', sector: 512 }],
  });
  expect(origins).toMatchObject({ memory: 'gvm.yaml', append: 'recipe, --append', disks: 'gvm.yaml', cpus: 'default' });
});

test('network is short for the mode of the first network', () => {
  const { machine } = layerMachine([
    machineLayer('a', { networks: [{ model: 'e1000' }, { mode: 'none' }] }),
    machineLayer('b', { network: 'internet' }),
  ]);
  expect(machine.networks).toEqual([
    { model: 'e1000', mode: 'internet' },
    { model: 'virtio-net', mode: 'none' },
  ]);
});

test('a kernel for another firmware than direct is refused, with both origins and the two ways out', () => {
  expect(() => layerMachine([machineLayer('--kernel', { kernel: '/vmlinuz' })])).toThrow(
    expect.objectContaining({
      code: 'document-invalid',
      message: 'machine.kernel (from --kernel) is for firmware: direct, but the firmware is bios (from default)',
      hint: 'either set firmware: direct, or leave kernel to the boot loader inside the image',
    }),
  );
});

test('variables are layers, and a bad value names its variable', () => {
  expect(environmentLayers({ GVM_MEMORY: '512M', GVM_CPUS: '4', GVM_CPU: '' })).toEqual([
    { origin: 'GVM_MEMORY', keys: { memory: 2 ** 29 } },
    { origin: 'GVM_CPUS', keys: { cpus: 4 } },
  ]);
  expect(() => environmentLayers({ GVM_CPUS: 'many' })).toThrow(/^GVM_CPUS: /);
});

test('a machine of aarch64 has UEFI where nothing else is said', () => {
  const firmware = (keys: Record<string, unknown>) => layerMachine([machineLayer('x', keys)]).machine.firmware;
  expect(firmware({ arch: 'aarch64' })).toBe('uefi');
  expect(firmware({ arch: 'aarch64', firmware: 'direct' })).toBe('direct');
  expect(firmware({})).toBe('bios');
});

test('one proof of who logs in replaces another, the rest of a login is merged', () => {
  const login = (...layers: object[]) =>
    layerMachine(layers.map((keys, i) => machineLayer(`layer ${i}`, { login: keys }))).machine.login;
  const plain = { user: 'root', port: 22, become: 'none' };
  expect(login()).toEqual(plain);
  expect(login({ key: '/k', user: 'tester' }, { become: 'sudo' })).toEqual({
    ...plain,
    user: 'tester',
    key: '/k',
    become: 'sudo',
  });
  expect(login({ key: '/k' }, { 'password-env': 'GVM_SECRET' })).toEqual({ ...plain, passwordEnv: 'GVM_SECRET' });
  expect(login({ 'password-env': 'GVM_SECRET' }, { agent: true })).toEqual({ ...plain, agent: true });
});

test.each([
  [{ 'password-env': 'AWS_SECRET' }, 'GVM_'],
  [{ key: 'a', agent: true }, 'at most one'],
  [{ user: 'a b' }, 'name of a user'],
])('the login %j is refused', (login, words) => {
  expect(() => machineLayer('gvm.yaml', { login })).toThrow(words);
});

test('a login key is relative to the file that names it', () => {
  const key = (path: string) => fileLayer('gvm.yaml', { login: { key: path, user: 'u' } }, '/project').keys.login;
  expect(key('keys/a')).toEqual({ key: '/project/keys/a', user: 'u' });
  expect(key('/etc/a')).toEqual({ key: '/etc/a', user: 'u' });
  expect(key('~/a')).toEqual({ key: join(homedir(), 'a'), user: 'u' });
});
