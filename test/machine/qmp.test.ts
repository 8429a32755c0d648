import { describe, expect, it } from 'vitest';
import { type GvmError, isGvmError } from '../../src/errors/index.ts';
import { QmpClient } from '../../src/machine/index.ts';
import { LineSplitter } from '../../src/machine/qmp/lines.ts';
import { qmpServer } from './qmp-server.ts';

async function failure(wait: Promise<unknown>): Promise<GvmError> {
  const thrown = await wait.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );
  if (!isGvmError(thrown)) throw thrown;
  return thrown;
}

const running = () => ({ return: { status: 'running', running: true } });

describe('QmpClient', () => {
  it('negotiates, and pairs answers with commands by their ids', async () => {
    const held: { id: number; status: string }[] = [];
    await using server = await qmpServer(({ id, execute }, wire) => {
      held.push({ id, status: execute });
      if (held.length < 2) return undefined;
      for (const { id: to, status } of held.reverse()) {
        wire.write(`${JSON.stringify({ id: to, return: { status } })}\n`);
      }
      return undefined;
    });
    const qmp = await QmpClient.connect(server.client);
    expect(qmp.version).toBe('9.1.2');
    const answers = await Promise.all([qmp.execute('query-status'), qmp.execute('query-block')]);
    expect(answers).toEqual([{ status: 'query-status' }, { status: 'query-block' }]);
    expect(server.requests[0]).toMatchObject({ execute: 'qmp_capabilities' });
  });

  it("hands on QEMU's refusal", async () => {
    await using server = await qmpServer(() => ({ error: { class: 'GenericError', desc: 'no such device' } }));
    const qmp = await QmpClient.connect(server.client);
    expect(await failure(qmp.execute('stop'))).toMatchObject({
      code: 'qmp-failed',
      message: 'QEMU refused stop: no such device',
      exitCode: 4,
    });
  });

  it('delivers events with their time, to listeners and iterations', async () => {
    await using server = await qmpServer((_request, wire) => {
      wire.write('{"event":"STOP","timestamp":{}}\n{"event":"GUEST_PANICKED","data":{"action":"pause"}}\n');
      return running();
    });
    const qmp = await QmpClient.connect(server.client);
    const heard: string[] = [];
    const off = qmp.onEvent((event) => heard.push(event.name));
    const events = qmp.events();
    await qmp.execute('query-status');
    off();
    await qmp.execute('query-status');
    await qmp[Symbol.asyncDispose]();
    const seen = [];
    for await (const event of events) seen.push(event);
    expect(heard).toEqual(['STOP', 'GUEST_PANICKED']);
    expect(seen).toHaveLength(4);
    expect(seen[1]).toMatchObject({ name: 'GUEST_PANICKED', data: { action: 'pause' }, at: expect.any(Number) });
  });

  it('fails what waits when the connection ends', async () => {
    await using server = await qmpServer((_request, wire) => {
      wire.destroy();
      return undefined;
    });
    const qmp = await QmpClient.connect(server.client);
    expect(await failure(qmp.execute('query-status'))).toMatchObject({ code: 'qmp-closed' });
    expect((await failure(qmp.execute('query-status'))).code).toBe('qmp-closed');
    expect(await qmp.closed).toBe('QEMU closed the connection');
  });

  it('ends a wait at its deadline, and with its signal', async () => {
    await using server = await qmpServer(() => undefined);
    const qmp = await QmpClient.connect(server.client);
    expect(await failure(qmp.execute('query-status', undefined, { timeout: 30 }))).toMatchObject({
      code: 'deadline',
      message: "QEMU's monitor did not send the answer to query-status within 30 ms",
    });
    const abort = new AbortController();
    const wait = qmp.execute('query-status', undefined, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(wait).rejects.toThrow('enough');
  });

  it('gives up on a greeting that does not come', async () => {
    await using server = await qmpServer(() => undefined, '');
    expect((await failure(QmpClient.connect(server.client, { timeout: 30 }))).code).toBe('deadline');
  });

  it.each([
    ['is not JSON', 'hello\n'],
    ['is not of the protocol', '{"a":1}\n'],
    ['never ends', `{"QMP":"${'x'.repeat(5 * 2 ** 20)}`],
  ])('closes the connection on a line that %s', async (_what, line) => {
    await using server = await qmpServer(() => undefined, line);
    expect((await failure(QmpClient.connect(server.client, { timeout: 5000 }))).code).toBe('qmp-closed');
    expect(server.client.destroyed).toBe(true);
  });

  it('passes over answers that nobody waits for', async () => {
    await using server = await qmpServer((_request, wire) => {
      wire.write('{"id":999,"return":{}}\n{"error":{"class":"x","desc":"y"}}\n');
      return running();
    });
    const qmp = await QmpClient.connect(server.client);
    expect(await qmp.execute('query-status')).toEqual({ status: 'running', running: true });
  });
});

describe('LineSplitter', () => {
  it('joins chunks and splits lines, without regard to where the chunks end', () => {
    const text = 'eins\nzwöi\n\ndrü\n';
    for (let size = 1; size < 8; size++) {
      const splitter = new LineSplitter(10);
      const bytes = Buffer.from(text);
      const lines = [];
      for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)));
      expect(lines).toEqual(['eins', 'zwöi', '', 'drü']);
    }
  });

  it('counts bytes until a line ends', () => {
    const splitter = new LineSplitter(4);
    expect(splitter.push(Buffer.from('abcd\nab'))).toEqual(['abcd']);
    expect(() => splitter.push(Buffer.from('cde'))).toThrow(RangeError);
  });
});
