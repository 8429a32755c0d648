import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { generateLoginKey, openSsh, type SshAddress, upload } from '../../src/guest/index.ts';
import type { Guest } from '../../src/lab/index.ts';
import { Workshop } from '../e2e/broken.ts';
import { openTestLab, type TestLab } from '../e2e/test-lab.ts';

let bench: TestLab;
let guest: Guest;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-login-'));
  bench = await openTestLab();
  guest = await bench.lab.start(await bench.describe('login'));
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const root = async (command: string) => {
  const result = await guest.channel().exec(command, { timeout: 120_000 * guest.scale });
  if (result.exitCode !== 0) throw new Error(`${command}: ${result.stderr}`);
  return result.stdout.toString('utf8').trim();
};

describe('a user of the image', () => {
  const secret = 'correct horse battery';
  let address: SshAddress;

  beforeAll(async () => {
    // The image has neither: real ones come from the package source of this machine.
    const debs = join(folder, 'debs');
    execFileSync('mkdir', [debs]);
    execFileSync('apt-get', ['download', '-qq', 'sudo', 'opendoas'], { cwd: debs });
    await upload(guest.channel(), { from: debs, to: '/root/debs' });
    await root('dpkg -i /root/debs/*.deb && useradd -m -s /bin/bash tester');
    // sudo looks up the name of its host, and says so where nobody knows it.
    await root('echo "127.0.1.1 $(hostname)" >>/etc/hosts');
    await root(`echo 'tester:${secret}' | chpasswd`);
    await root('echo "PasswordAuthentication yes" >/etc/ssh/sshd_config.d/a.conf && rc-service sshd restart');
    const key = generateLoginKey('tester');
    const keyPath = join(folder, 'key');
    writeFileSync(keyPath, key.privateKey, { mode: 0o600 });
    await root(
      `mkdir -p ~tester/.ssh && echo '${key.publicKey}' >~tester/.ssh/authorized_keys && chown -R tester: ~tester`,
    );
    if (!guest.ssh) throw new Error('the guest has no network');
    address = { ...guest.ssh, user: 'tester', keyPath };
    vi.stubEnv('GVM_TESTER', secret);
  });
  afterAll(() => vi.unstubAllEnvs());

  const byPassword = () => {
    const { keyPath: _, ...rest } = address;
    return { ...rest, passwordEnv: 'GVM_TESTER' };
  };
  const open = (login: SshAddress) => openSsh(login, { scale: guest.scale });

  test('logs in by key and by password', async () => {
    for (const login of [address, byPassword()]) {
      await using channel = await open(login);
      expect((await channel.exec('id -un')).stdout.toString()).toBe('tester\n');
    }
  });

  test('becomes root by sudo without a password', async () => {
    await root('echo "tester ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/tester');
    await using channel = await open({ ...address, become: 'sudo' });
    const result = await channel.exec('cat; id -u; printf %s "$A"; echo err >&2; exit 7', { env: { A: "it's" } });
    expect(result).toMatchObject({ exitCode: 7, stdout: Buffer.from("0\nit's"), stderr: Buffer.from('err\n') });
    await upload(channel, { from: address.keyPath ?? '', to: '/root/uploaded' });
    expect(await root('stat -c %U /root/uploaded')).toBe('root');
  });

  test('becomes root by sudo with a password, which nobody sees', async () => {
    await root('echo "tester ALL=(ALL) ALL" >/etc/sudoers.d/tester');
    await using channel = await open({ ...byPassword(), become: 'sudo' });
    // Who looks has the words from a file, not in its own arguments.
    await root(`printf '%s' '${secret}' >/root/words`);
    const seen = await channel.exec(
      'id -u; cat; grep -rlFf /root/words /proc/[0-9]*/cmdline /proc/[0-9]*/environ | wc -l',
    );
    expect(seen.stdout.toString()).toBe('0\n0\n');
    for (let i = 0; i < 3; i++) {
      await using command = await channel.start('cat');
      command.stderr.resume();
      let said = '';
      command.stdout.on('data', (chunk: Buffer) => {
        said += chunk;
      });
      command.stdin.end('the input');
      await command.ended;
      expect(said).toBe('the input');
    }
    await expect(open({ ...address, become: 'sudo' })).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('password is required'),
    });
  });

  test('becomes root by doas', async () => {
    await expect(open({ ...address, become: 'doas' })).rejects.toMatchObject({ code: 'login-refused' });
    await root('echo "permit nopass tester" >/etc/doas.conf');
    await using channel = await open({ ...address, become: 'doas' });
    expect((await channel.exec('cat; id -u')).stdout.toString()).toBe('0\n');
  });
});

test('a network that is cut ends a command with a typed error, and the console channel works on', async () => {
  const began = performance.now();
  const cut = expect(guest.channel().exec('sleep 1000', { timeout: 3_600_000 })).rejects.toMatchObject({
    code: 'channel-closed',
  });
  await guest.console.exec('ip link set eth0 down');
  await cut;
  expect(performance.now() - began).toBeLessThan(60_000 * guest.scale);
  expect((await guest.console.exec('ip link set eth0 up && echo up')).stdout.toString()).toBe('up\n');
});

describe('a guest without the responder, and with a shell on hvc0', () => {
  // Neither network nor responder: whatever comes back came through the shell.
  const getty = (options: string) =>
    `rm -f /root/etc/runlevels/*/gvm-channel; ln -s agetty /root/etc/init.d/agetty.hvc0
     ln -s /etc/init.d/agetty.hvc0 /root/etc/runlevels/default/; cp /root/etc/conf.d/agetty.ttyS0 /root/etc/conf.d/agetty.hvc0
     echo 'agetty_options="${options}"' >>/root/etc/conf.d/agetty.hvc0`;
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const printed = Array.from(all, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  let folder: string;
  /** Of "correct horse". */
  const HASH = '$6$gvm$glxFGs73Ph1Oy5M/eM31MoGoHU3x1x6zRGOsvFSR1UqArtm9B7FY8TrF3KkV/I3JUxUfla0GolIB2xvXWF9AB1';
  let workshop: Workshop;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gvm-hvc-'));
    workshop = new Workshop(bench, folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is ready, carries all bytes, and is entered again after a reboot and a responder that was killed', async () => {
    const machine = { network: 'none', login: { shell: 'hvc0' } };
    await using guest = await bench.lab.start(
      await workshop.changed('hvc', { disk: getty('--autologin root --noclear'), machine }),
    );
    const answers = async () => {
      const { stdout, stderr, exitCode } = await guest.channel().exec(`printf '${printed}'; id -u >&2; exit 3`);
      expect([stdout, stderr.toString(), exitCode]).toEqual([all, '0\n', 3]);
    };
    await answers();
    await guest.reboot();
    await answers();
    const killed = guest.channel().exec('kill -KILL $(grep -laF gvm-channel /proc/[0-9]*/cmdline | cut -d/ -f3)');
    await expect(killed).rejects.toMatchObject({ code: 'channel-closed' });
    await answers();
  });

  test('is logged in to by password, and a wrong one is told', async () => {
    process.env.GVM_HVC = 'correct horse';
    const machine = { network: 'none', login: { shell: 'hvc0', 'password-env': 'GVM_HVC' } };
    const disk = `${getty('--noclear')}; sed -i 's#^root:[^:]*:#root:${HASH}:#' /root/etc/shadow`;
    await using guest = await bench.lab.start(await workshop.changed('hvc-login', { disk, machine }));
    expect((await guest.channel().exec('id -u')).stdout.toString()).toBe('0\n');
    process.env.GVM_HVC = 'battery staple';
    await expect(bench.lab.start(await workshop.changed('hvc-refused', { disk, machine }))).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('hvc0'),
    });
    delete process.env.GVM_HVC;
  });
});
