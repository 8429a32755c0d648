import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecOptions } from '../../../src/guest/index.ts';
import { type Responder, startResponder } from './responder.ts';

const shells: readonly (readonly [string, ...string[]])[] = [['dash'], ['bash', '--posix'], ['busybox', 'sh']];
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe.each(shells)('the responder under %s', (program, ...args) => {
  let responder: Responder;
  beforeAll(() => {
    responder = startResponder([program, ...args]);
  });
  afterAll(() => responder[Symbol.asyncDispose]());
  const exec: Responder['channel']['exec'] = (...args) => responder.channel.exec(...args);
  const text = async (command: string) => (await exec(command)).stdout.toString('utf8');

  test('brings back exit code, both streams and its time', async () => {
    const result = await exec('echo out; echo err >&2; exit 7');
    expect(result).toMatchObject({ exitCode: 7, signal: null, truncated: false });
    expect([result.stdout.toString(), result.stderr.toString()]).toEqual(['out\n', 'err\n']);
    expect(result.durationMs).toBeGreaterThan(0);
  });

  test.each([
    ['kill -KILL $$', null, 'KILL'],
    ['kill -TERM $$', null, 'TERM'],
    ['kill -SEGV $$', null, 'SEGV'],
    ['exit 143', 143, null],
    ['exit 255', 255, null],
    ['true', 0, null],
  ])('tells how "%s" ended', async (command, exitCode, signal) => {
    expect(await exec(command)).toMatchObject({ exitCode, signal });
  });

  test('a command has no input, its words unharmed, and default signals', async () => {
    const odd = `it's "$HOME" \\ \n * line two é`;
    const result = await exec('cat; printf %s "$ODD"; kill -INT $$; echo survived', { env: { ODD: odd } });
    expect(result.stdout.toString()).toBe(odd);
    expect(await text(`: ${'x'.repeat(120_000)}; printf done`)).toBe('done');
    await expect(exec(`: ${'x'.repeat(140_000)}`)).rejects.toMatchObject({ code: 'usage' });
  });

  test('all bytes come as they are, and streams that are closed are no trouble', async () => {
    const all = `'${Array.from({ length: 256 }, (_, i) => `\\${i.toString(8).padStart(3, '0')}`).join('')}'`;
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const { stdout, stderr } = await exec(`printf ${all}; printf ${all} >&2`);
    expect([stdout, stderr]).toEqual([bytes, bytes]);
    expect(await exec('exec >&-; echo err >&2; exec 2>&-; exit 3')).toMatchObject({
      exitCode: 3,
      stdout: Buffer.alloc(0),
    });
    expect(await text('echo next')).toBe('next\n');
  });

  test('a command that leaves nothing behind writes to the ports itself, and ends as any other', async () => {
    const direct = (command: string, more: ExecOptions = {}) => exec(command, { direct: true, ...more });
    const where = await direct('readlink /proc/$$/fd/1; readlink /proc/$$/fd/2; echo err >&2; cat; exit 7');
    expect(where.stdout.toString()).toMatch(/^socket:.*\nsocket:.*\n$/);
    expect(where).toMatchObject({ exitCode: 7, stderr: Buffer.from('err\n') });
    expect(await text('readlink /proc/$$/fd/1')).toMatch(/^\/|^pipe/);
    const much = await direct('i=0; while [ $i -lt 3000 ]; do echo "line $i of some length"; i=$((i + 1)); done');
    expect(much.stdout.toString().split('\n')).toHaveLength(3001);
    expect(await direct('kill -TERM $$')).toMatchObject({ exitCode: null, signal: 'TERM' });
    await expect(direct('echo before; sleep 100; echo after', { timeout: 500 })).rejects.toMatchObject({
      code: 'deadline',
    });
    expect((await direct('echo next')).stdout.toString()).toBe('next\n');
    expect(await text('echo last')).toBe('last\n');
  });

  test('input goes in and output comes out together', async () => {
    const sent = randomBytes(3_000_000);
    await using command = await responder.channel.start('cat; echo end >&2; exit 5');
    const said = Promise.all([buffer(command.stdout), buffer(command.stderr)]);
    for (let at = 0; at < sent.length; at += 100_000) {
      if (!command.stdin.write(sent.subarray(at, at + 100_000)))
        await new Promise((r) => command.stdin.once('drain', r));
    }
    command.stdin.end();
    const [stdout, stderr] = await said;
    expect(sha256(stdout)).toBe(sha256(sent));
    expect(stderr.toString()).toBe('end\n');
    expect(await command.ended).toEqual({ exitCode: 5, signal: null });
  });

  test('input that nobody reads is no trouble for the next', async () => {
    for (let i = 0; i < 3; i++) {
      await using command = await responder.channel.start('exit 3');
      command.stdout.resume();
      command.stderr.resume();
      command.stdin.write(Buffer.alloc(300_000, 'a line\n'));
      expect(await command.ended).toEqual({ exitCode: 3, signal: null });
    }
    expect(await text('echo next')).toBe('next\n');
  });

  test('is over when its shell exits, and its children live on', async () => {
    const mark = `/tmp/gvm-mark-${process.pid}`;
    const child = 'until [ -e "$MARK.go" ]; do sleep 0.1; done; echo late; echo alive >"$MARK"';
    const { stdout } = await exec(`(${child}) & echo now`, { env: { MARK: mark } });
    expect(stdout.toString()).toBe('now\n');
    expect(await text(`touch ${mark}.go; echo next`)).toBe('next\n');
    await expect.poll(() => text(`cat ${mark}`), { timeout: 20_000 }).toBe('alive\n');
    await text(`rm ${mark} ${mark}.go`);
  });

  test('a command that is late is ended, and so is one that is not wanted any more', async () => {
    // Others on this machine sleep too.
    const slow = `sleep ${process.pid}1`;
    await expect(exec(`echo waiting >&2; ${slow}`, { timeout: 300 })).rejects.toMatchObject({
      code: 'deadline',
      message: expect.stringContaining('it last said: waiting'),
    });
    expect(await text(`pgrep -fx "${slow}" || echo none`)).toBe('none\n');
    const signal = AbortSignal.timeout(200);
    await expect(exec(slow, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    const flood = exec(`yes ${slow}`, { timeout: 300, maxOutput: 1000 });
    await expect(flood).rejects.toMatchObject({ code: 'deadline' });
    const given = await responder.channel.start('cat /dev/zero');
    given.stdout.once('data', () => given.stdout.pause());
    await sleep(100);
    await given[Symbol.asyncDispose]();
    expect(await text(`pgrep -fx "${slow}|yes ${slow}" || echo none`)).toBe('none\n');
  });

  test('commands wait for their turn', async () => {
    const results = await Promise.all(Array.from({ length: 5 }, (_, i) => exec(`sleep 0.1; exit ${i}`)));
    expect(results.map((r) => r.exitCode)).toEqual([0, 1, 2, 3, 4]);
  });

  test('keeps as much output as was asked for', async () => {
    let seen = 0;
    const result = await exec('head -c 3000000 /dev/zero', {
      maxOutput: 1000,
      onStdout: (chunk) => {
        seen += chunk.length;
      },
    });
    expect(result).toMatchObject({ exitCode: 0, truncated: true });
    expect([result.stdout.length, seen]).toEqual([1000, 3_000_000]);
  });

  test('nothing that a command prints is taken for a mark or an answer', async () => {
    const command = 'cat /proc/$PPID/cmdline /proc/$PPID/environ; echo "s0 ended 1 exit 0"; ps axww';
    expect((await exec(command)).exitCode).toBe(0);
    expect(await text('echo next')).toBe('next\n');
  });

  test('what is left of a request or an input that broke off is passed over', async () => {
    const [control, data] = responder.ports;
    control.write('garbage\0\xff run 1 100 x none\ns0 run 9 400000 mark none\nabc');
    data.write(Buffer.concat([Buffer.from('65536\n'), randomBytes(1000)]));
    responder.channel.guestChanged(false);
    expect(await text('echo next')).toBe('next\n');
    await using command = await responder.channel.start('cat');
    command.stdin.end('input');
    command.stderr.resume();
    expect((await buffer(command.stdout)).toString()).toBe('input');
  });
});
