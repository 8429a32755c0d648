import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parseNbdUri } from '../../../src/disk/nbd/address.ts';
import { Coverage } from '../../../src/disk/nbd/coverage.ts';
import { type NbdOptions, NbdSource } from '../../../src/disk/nbd/source.ts';
import { isGvmError } from '../../../src/errors/index.ts';
import { NbdServer, type NbdServerOptions } from '../../../src/testing/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-nbd-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 251)).fill(0, 30_000, 60_000);
let count = 0;

async function serve(options: Partial<NbdServerOptions> = {}) {
  const socket = join(folder, `s${count++}`);
  const server = await NbdServer.listen({ socket, bytes, ...options });
  const connect = (own: NbdOptions = {}) =>
    NbdSource.connect({ socket: { path: socket }, export: '', tls: false }, { timeout: 2000, ...own });
  return { server, connect };
}

const range = fc
  .nat({ max: bytes.length })
  .chain((at) => fc.tuple(fc.constant(at), fc.nat({ max: bytes.length - at })));

describe.each(['simple', 'structured', 'extended'] as const)('with %s replies', (replies) => {
  it('reads exactly what is there, however many reads are on their way', async () => {
    const { server, connect } = await serve({ replies, multiConn: true, delay: (n) => (n % 3) * 2 });
    await using _ = server;
    await using source = await connect();
    expect(source.size).toBe(bytes.length);
    expect(source.session).toMatchObject({ structured: replies !== 'simple', extended: replies === 'extended' });
    await fc.assert(
      fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 40 }), async (ranges) => {
        const all = await Promise.all(ranges.map(([at, length]) => source.read(at, length)));
        for (const [i, [at, length]] of ranges.entries())
          expect(all[i]?.equals(bytes.subarray(at, at + length))).toBe(true);
      }),
      { numRuns: 10 },
    );
    expect(server.connections).toBe(4);
  });

  it('knows the holes', async () => {
    const { server, connect } = await serve({ replies });
    await using _ = server;
    await using source = await connect();
    let at = 100;
    const zeros: number[] = [];
    for await (const extent of source.extents(100, 99_000)) {
      expect(extent.offset).toBe(at);
      at += extent.length;
      if (extent.zero) zeros.push(extent.offset);
    }
    expect(at).toBe(99_100);
    expect(zeros).toEqual(replies === 'simple' ? [] : [32768, 36864, 40960, 45056, 49152, 53248]);
  });

  it('gives up at a signal, and goes on for others', async () => {
    const { server, connect } = await serve({ replies, delay: (n) => (n === 0 ? 50 : 0) });
    await using _ = server;
    await using source = await connect();
    const controller = new AbortController();
    const slow = source.read(0, 10, controller.signal);
    controller.abort(new Error('enough'));
    await expect(slow).rejects.toThrow('enough');
    expect((await source.read(5, 10)).equals(bytes.subarray(5, 15))).toBe(true);
  });

  it('ends in bytes or a typed error whatever the server says', async () => {
    const change = fc.record({
      index: fc.nat({ max: 12 }),
      at: fc.nat({ max: 60 }),
      value: fc.integer({ min: 0, max: 255 }),
    });
    const drop = fc.record({ index: fc.nat({ max: 12 }), drop: fc.constant(true) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(change, drop), { minLength: 1, maxLength: 3 }), async (faults) => {
        const tamper = (message: Buffer, index: number) => {
          const out = Buffer.from(message);
          for (const fault of faults) {
            if (fault.index !== index) continue;
            if ('drop' in fault) return undefined;
            if (fault.at < out.length) out[fault.at] = fault.value;
          }
          return out;
        };
        const { server, connect } = await serve({ replies, tamper });
        await using _ = server;
        const outcome = await (async () => {
          await using source = await connect({ timeout: 60 });
          await source.read(20_000, Math.min(20_000, source.size)).catch(typed);
          for await (const _extent of source.extents(0, Math.min(source.size, 10_000))) break;
        })().catch((error: unknown) => error);
        if (outcome !== undefined) typed(outcome);
      }),
      { numRuns: 60 },
    );
  }, 30_000);
});

function typed(error: unknown): void {
  const ok = isGvmError(error) && ['nbd-failed', 'corrupt'].includes(error.code);
  if (!ok) throw error;
}

describe('a server', () => {
  it('that is none, or goes away, is named with what it did', async () => {
    const socket = join(folder, 'none');
    const address = { socket: { path: socket }, export: 'x', tls: false };
    await expect(NbdSource.connect(address)).rejects.toMatchObject({ code: 'nbd-failed', exitCode: 4 });
    const server = createServer((s) => s.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(socket);
    await expect(NbdSource.connect(address)).rejects.toThrow('this is no NBD server');
    server.close();
  });

  it('that falls silent meets a deadline that says what was waiting', async () => {
    const { server, connect } = await serve({ delay: () => 10_000 });
    await using _ = server;
    await using source = await connect({ timeout: 50 });
    await expect(source.read(0, 10)).rejects.toThrow('no answer for 50 ms, with 1 requests waiting');
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: 'nbd-failed' });
  });

  it('cannot end a read before all its bytes came', async () => {
    const tamper = (message: Buffer) =>
      message.readUInt32BE(0) === 0x668e33ef && message.readUInt16BE(4) === 0 ? undefined : message;
    const { server, connect } = await serve({ tamper });
    await using _ = server;
    await using source = await connect();
    await expect(source.read(0, 300)).rejects.toThrow('ended with some of them missing');
  });
});

describe('coverage', () => {
  it('takes each byte once and knows when all have come', () => {
    const runs = fc.array(fc.tuple(fc.nat({ max: 30 }), fc.integer({ min: 1, max: 10 })), { maxLength: 30 });
    fc.assert(
      fc.property(runs, (list) => {
        const coverage = new Coverage(40);
        const seen = new Set<number>();
        for (const [from, length] of list) {
          const places = Array.from({ length }, (_, i) => from + i);
          const fresh = places.every((place) => !seen.has(place));
          expect(coverage.add(from, length)).toBe(fresh);
          if (fresh) for (const place of places) seen.add(place);
        }
        expect(coverage.complete).toBe(seen.size === 40);
      }),
    );
  });
});

describe('addresses', () => {
  it.each([
    ['nbd://host/name', { socket: { host: 'host', port: 10809 }, export: 'name', tls: false }],
    ['nbds://host:99', { socket: { host: 'host', port: 99 }, export: '', tls: true }],
    ['nbd://[::1]:5/a%20b', { socket: { host: '::1', port: 5 }, export: 'a b', tls: false }],
    ['nbd+unix:///exp?socket=/run/s', { socket: { path: '/run/s' }, export: 'exp', tls: false }],
    [
      'nbds+unix:///?socket=/run/s&tls-certificates=/pki&tls-hostname=far',
      { socket: { path: '/run/s' }, export: '', tls: true, certificates: '/pki', hostname: 'far' },
    ],
  ])('%s', (text, address) => expect(parseNbdUri(text)).toEqual(address));

  it.each(['nbd+unix:///x', 'http://host/', 'nbd:///x', 'nonsense'])('refuses %s', (text) => {
    expect(() => parseNbdUri(text)).toThrow(/is no NBD address/);
  });
});
