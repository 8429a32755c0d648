import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deferred } from '../../src/core/index.ts';
import { connectConsole, serveConsoles } from '../../src/lab/index.ts';

test('who attaches sees what was there, types, and is told of the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-consoles-'));
  const path = join(folder, 'serial.sock');
  const ended = deferred<void>();
  const listeners = new Set<(chunk: Buffer) => void>();
  let typed = '';
  const line = {
    recent: () => Buffer.from('login: '),
    onBytes: (listener: (chunk: Buffer) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    send: (bytes: Buffer) => {
      typed += bytes;
      for (const listener of listeners) listener(bytes);
    },
    ended: ended.promise,
  };
  await using _server = await serveConsoles(path, (guest) => (guest === 'one' ? line : undefined));
  const socket = await connectConsole(path, 'one');
  let seen = '';
  socket.on('data', (chunk) => {
    seen += chunk;
  });
  await expect.poll(() => seen).toBe('login: ');
  socket.write('root\r');
  await expect.poll(() => seen).toBe('login: root\r');
  expect(typed).toBe('root\r');
  const unknown = await connectConsole(path, 'two');
  unknown.resume();
  await new Promise((resolve) => unknown.once('close', resolve));
  ended.resolve();
  await new Promise((resolve) => socket.once('close', resolve));
  await expect.poll(() => listeners.size).toBe(0);
  await expect(connectConsole(join(folder, 'none'), 'one')).rejects.toMatchObject({ code: 'channel-closed' });
  rmSync(folder, { recursive: true, force: true });
});
