import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import ssh2 from 'ssh2';
import { describe, expect, test } from 'vitest';
import { awaitBanner, generateLoginKey, logIn, openSsh } from '../../src/guest/index.ts';
import { sshServer } from './ssh-server.ts';

describe('a command over SSH', () => {
  test('brings back exit code, both streams and its time', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    const result = await channel.exec('echo out; echo err >&2; exit 7');
    expect(result).toMatchObject({ exitCode: 7, signal: null, truncated: false });
    expect(result.stdout.toString()).toBe('out\n');
    expect(result.stderr.toString()).toBe('err\n');
    expect(result.durationMs).toBeGreaterThan(0);
  });

  test('has no input, and gets its words and variables unharmed', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    const odd = `it's "$HOME" \\ \n line two é`;
    const result = await channel.exec('cat; printf %s "$ODD"', { env: { ODD: odd } });
    expect(result.stdout.toString()).toBe(odd);
  });

  test('tells the signal that ended it', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    expect(await channel.exec('kill -TERM $$')).toMatchObject({ exitCode: null, signal: 'TERM' });
  });

  test('is over when its shell exits, and its children live on', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    const began = performance.now();
    const result = await channel.exec('(sleep 1; echo late; echo alive > "$MARK.two") & echo $! ; echo now', {
      env: { MARK: server.keyPath },
    });
    expect(performance.now() - began).toBeLessThan(900);
    expect(result.stdout.toString()).toMatch(/^\d+\nnow\n$/);
    await sleep(1100);
    expect((await channel.exec('cat "$MARK.two"', { env: { MARK: server.keyPath } })).stdout.toString()).toBe(
      'alive\n',
    );
  });

  test('leaves so many children that another connection is needed', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    for (let i = 0; i < 10; i++) expect((await channel.exec('sleep 3 & exit 3')).exitCode).toBe(3);
    expect(server.connections).toBe(2);
    expect(server.most).toBeLessThanOrEqual(8);
  }, 15_000);

  test('may run beside many others', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => channel.exec(`sleep 0.1; exit ${i}`)));
    expect(results.map((r) => r.exitCode)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('keeps as much output as was asked for', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    let seen = 0;
    const result = await channel.exec('head -c 3000000 /dev/zero', {
      maxOutput: 1000,
      onStdout: (chunk) => {
        seen += chunk.length;
      },
    });
    expect(result).toMatchObject({ exitCode: 0, truncated: true });
    expect(result.stdout).toHaveLength(1000);
    expect(seen).toBe(3_000_000);
  });

  test('ends the wait at its deadline and says what it last said', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    await expect(channel.exec('echo still waiting; sleep 20', { timeout: 300 })).rejects.toMatchObject({
      code: 'deadline',
      message: expect.stringMatching(/within 300 ms: echo still waiting; sleep 20; it last said: still waiting/),
    });
    expect((await channel.exec('echo next')).stdout.toString()).toBe('next\n');
  });

  test('kills what is late, but not what has left its session', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    const [late, daemon] = [`sleep 10${process.pid}`, `sleep 20${process.pid}`];
    const command = `setsid ${daemon} & ${late}; echo over`;
    await expect(channel.exec(command, { timeout: 300 })).rejects.toMatchObject({ code: 'deadline' });
    const left = `pgrep -afx '${late}|${daemon}' | cut -d ' ' -f 2-`;
    await expect.poll(async () => (await channel.exec(left)).stdout.toString(), { timeout: 4000 }).toBe(`${daemon}\n`);
    await channel.exec(`pkill -fx '${daemon}'`);
  });

  test('ends with the signal of its caller', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 100);
    await expect(channel.exec('sleep 20', { signal: controller.signal })).rejects.toThrow('enough');
    await expect(channel.exec('true', { signal: controller.signal })).rejects.toThrow('enough');
  });

  test('that was started ends with a signal that comes while its session is opened', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    const controller = new AbortController();
    const before = server.sessions;
    const started = channel.start('sleep 20', { signal: controller.signal });
    while (server.sessions === before) await turn();
    controller.abort(new Error('enough'));
    await using command = await started;
    await expect(command.ended).rejects.toThrow('enough');
  });

  test('refuses what no guest could take', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    // Their deadlines pass while the last command runs, and nobody hears of them.
    const timeout = 50;
    await expect(channel.exec('a\0b', { timeout })).rejects.toMatchObject({ code: 'usage' });
    await expect(channel.exec(`: ${'x'.repeat(140_000)}`, { timeout })).rejects.toMatchObject({ code: 'usage' });
    expect((await channel.exec(`sleep 0.1; : ${'x'.repeat(30_000)}`)).exitCode).toBe(0);
  });

  test('breaks with its connection', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    const running = channel.exec('sleep 20');
    setTimeout(() => server.drop(), 100);
    await expect(running).rejects.toMatchObject({ code: 'channel-closed' });
    await expect(channel.closed).resolves.toMatchObject({ code: 'channel-closed' });
    await expect(channel.exec('true')).rejects.toMatchObject({ code: 'channel-closed' });
  });
});

test('every login key that is made can be read', () => {
  for (let i = 0; i < 1000; i++) {
    expect(ssh2.utils.parseKey(generateLoginKey('x').privateKey)).not.toBeInstanceOf(Error);
  }
});

describe('a login', () => {
  test('is refused with another key', async () => {
    await using server = await sshServer({ authorized: generateLoginKey('other').publicKey });
    await expect(openSsh(server.address)).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('is refused by gvm where the host key is not the pinned one', async () => {
    await using server = await sshServer();
    await using other = await sshServer();
    const address = { ...server.address, hostKey: other.address.hostKey };
    await expect(openSsh(address)).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('another host key'),
    });
  });

  test('learns the host key where there is none yet', async () => {
    await using server = await sshServer();
    const { hostKey: _, ...unpinned } = server.address;
    const { channel, hostKey } = await logIn({ ...unpinned, timeout: 5000, scale: 1 });
    await using opened = channel;
    expect(hostKey).toBe(server.address.hostKey);
    expect((await opened.exec('true')).exitCode).toBe(0);
  });

  test('says so where nothing listens', async () => {
    await using server = await sshServer();
    await server.close();
    await expect(openSsh(server.address)).rejects.toMatchObject({ code: 'channel-closed' });
  });
});

describe('waiting for an SSH server', () => {
  test('takes the connection that brings the greeting, and no other', async () => {
    await using server = await sshServer();
    const { hostKey, ...unpinned } = server.address;
    const socket = await awaitBanner({ ...unpinned, signal: AbortSignal.timeout(5000) });
    const { channel } = await logIn({ ...server.address, socket, timeout: 5000, scale: 1 });
    await using opened = channel;
    expect((await opened.exec('echo hi')).stdout.toString()).toBe('hi\n');
    expect(server.connections).toBe(1);
  });

  test('goes on where the guest refuses, and drops what never reached it', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      socket.on('error', () => {});
      connections++;
      if (connections === 1) socket.destroy();
      if (connections === 3) socket.write('a line before\r\nSSH-2.0-test\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const seen: string[] = [];
    const socket = await awaitBanner({
      host: '127.0.0.1',
      port,
      signal: AbortSignal.timeout(5000),
      reached: async () => connections !== 2,
      onReach: (reach) => seen.push(reach),
    });
    expect(seen).toEqual(['refused', 'pending']);
    expect(socket.read().toString()).toContain('SSH-2.0-test');
    socket.destroy();
    server.close();
  });

  test('ends with its signal', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const wait = awaitBanner({ host: '127.0.0.1', port, signal: AbortSignal.timeout(500) });
    await expect(wait).rejects.toMatchObject({ name: 'TimeoutError' });
    server.close();
  });
});

describe('a shell', () => {
  test('carries both ways until its end', async () => {
    await using server = await sshServer();
    await using channel = await openSsh(server.address);
    const shell = await channel.shell({ terminal: { columns: 80, rows: 24, type: 'vt100' } });
    let said = '';
    shell.stdout.on('data', (chunk) => {
      said += chunk;
    });
    shell.stdin.write('hello');
    await expect.poll(() => said).toBe('you said hello');
    shell.stdin.end();
    await expect(shell.ended).resolves.toEqual({ exitCode: 0, signal: null });
  });
});
