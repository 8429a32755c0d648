import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deferred } from '../../src/core/index.ts';
import { GvmError } from '../../src/errors/index.ts';
import { connectBroker, serveBroker } from '../../src/lab/index.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-broker-'));
  path = join(folder, 'broker.sock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('requests are answered, in whatever order they end', async () => {
  await using _server = await serveBroker(path, {
    echo: async (params) => params,
    slow: () => new Promise((resolve) => setTimeout(resolve, 50, 'slow')),
  });
  await using client = await connectBroker(path);
  const slow = client.call('slow');
  expect(await client.call('echo', { a: [1, 'ü\n'] })).toEqual({ a: [1, 'ü\n'] });
  expect(await slow).toBe('slow');
});

test('an error of a handler arrives with its code and hint', async () => {
  await using _server = await serveBroker(path, {
    fail: async () => {
      throw new GvmError({ code: 'guest-unknown', message: 'no such guest', hint: 'look again' });
    },
  });
  await using client = await connectBroker(path);
  await expect(client.call('fail')).rejects.toMatchObject({ code: 'guest-unknown', hint: 'look again' });
  await expect(client.call('toString')).rejects.toMatchObject({ code: 'usage' });
});

test('who waits learns that the owner has gone, and a handler that its caller has', async () => {
  let gone = false;
  const server = await serveBroker(path, {
    wait: (_params, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          gone = true;
          reject(signal.reason);
        });
      }),
  });
  const client = await connectBroker(path);
  const waiting = client.call('wait');
  waiting.catch(() => {});
  const other = await connectBroker(path);
  other.call('wait').catch(() => {});
  await other[Symbol.asyncDispose]();
  await expect.poll(() => gone).toBe(true);
  await server[Symbol.asyncDispose]();
  await expect(waiting).rejects.toMatchObject({ code: 'channel-closed' });
  await expect(connectBroker(path)).rejects.toMatchObject({ code: 'channel-closed' });
});

test.each(['not json\n', `${'x'.repeat(2 ** 21)}`])('what is no request ends the connection', async (bytes) => {
  await using _server = await serveBroker(path, {});
  const socket = createConnection(path);
  socket.on('error', () => {});
  socket.write(bytes);
  await new Promise((resolve) => socket.once('close', resolve));
});

test('a path that is too long for a socket is refused', async () => {
  await expect(serveBroker(join(folder, 'x'.repeat(100)), {})).rejects.toMatchObject({ code: 'host-resource' });
});

test('a caller that goes away with its answer unread troubles nobody', async () => {
  const asked = deferred<void>();
  const gone = deferred<void>();
  await using _server = await serveBroker(path, {
    async ask(_, signal) {
      signal.addEventListener('abort', () => gone.resolve());
      asked.resolve();
    },
    echo: async (params) => params,
  });
  const caller = createConnection(path);
  // Before it is connected: it reads nothing, ever.
  caller.pause();
  caller.write('{"id":1,"method":"ask"}\n');
  await asked.promise;
  await using other = await connectBroker(path);
  await other.call('echo');
  // The kernel tells the broker of the answer that nobody read as a reset connection.
  caller.destroy();
  await gone.promise;
  expect(await other.call('echo', 1)).toBe(1);
});
