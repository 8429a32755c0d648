import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Channel, serveChannels, servedChannel } from '../../../src/guest/index.ts';
import { type Responder, startResponder } from '../console/responder.ts';

let folder: string;
let responder: Responder;
let server: AsyncDisposable;
let channel: Channel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-served-'));
  const path = join(folder, 'guests.sock');
  responder = startResponder();
  server = await serveChannels(path, (guest) => (guest === 'one' ? responder.channel : undefined));
  channel = servedChannel(path, 'one', 'console');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await responder[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('a command comes back as from the channel itself', async () => {
  const seen: string[] = [];
  const onStdout = (chunk: Buffer) => void seen.push(chunk.toString());
  const result = await channel.exec('echo "$A"; echo err >&2; exit 7', { env: { A: 'out' }, onStdout });
  expect(result).toMatchObject({ exitCode: 7, signal: null, truncated: false });
  expect([result.stdout.toString(), result.stderr.toString(), seen.join('')]).toEqual(['out\n', 'err\n', 'out\n']);
  expect(await channel.exec('kill -TERM $$')).toMatchObject({ exitCode: null, signal: 'TERM' });
  const cut = await channel.exec('head -c 3000000 /dev/zero', { maxOutput: 1000 });
  expect([cut.stdout.length, cut.truncated]).toEqual([1000, true]);
});

test('errors keep their class, and who gives up ends the command', async () => {
  await expect(channel.exec('sleep 1001', { timeout: 200 })).rejects.toMatchObject({ code: 'deadline' });
  await expect(channel.exec('a\0b')).rejects.toMatchObject({ code: 'usage' });
  const signal = AbortSignal.timeout(200);
  await expect(channel.exec('sleep 1001', { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
  const given = await channel.start('sleep 1001');
  await given[Symbol.asyncDispose]();
  expect((await channel.exec('pgrep -fx "sleep 1001" || echo none')).stdout.toString()).toBe('none\n');
  const other = servedChannel(join(folder, 'guests.sock'), 'two', 'console');
  await expect(other.exec('true')).rejects.toMatchObject({ code: 'guest-unknown' });
  const none = servedChannel(join(folder, 'none.sock'), 'one', 'console');
  await expect(none.exec('true')).rejects.toMatchObject({ code: 'channel-closed' });
});

test('bytes go both ways, no faster than they are read', async () => {
  const sent = randomBytes(5_000_000);
  await using command = await channel.start('cat; echo end >&2; exit 5');
  command.stdin.end(sent);
  await sleep(200);
  const [stdout, stderr] = await Promise.all([buffer(command.stdout), buffer(command.stderr)]);
  expect(stdout.equals(sent)).toBe(true);
  expect(stderr.toString()).toBe('end\n');
  expect(await command.ended).toMatchObject({ exitCode: 5, signal: null });
});
