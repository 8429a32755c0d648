import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtinFacts, collect, type PortValue } from '../../src/facts/index.ts';
import { parseSocket } from '../../src/facts/port.ts';
import { headSections } from '../../src/facts/shell.ts';
import { localChannel, shells } from './local-channel.ts';

const ipv6 = existsSync('/proc/net/if_inet6');

async function listen(host: string): Promise<{ port: number; close: () => Promise<unknown> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return { port: (server.address() as AddressInfo).port, close: () => new Promise((resolve) => server.close(resolve)) };
}

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('under %s', (_, shell) => {
  test('listening TCP sockets and bound UDP sockets are seen with their addresses', async () => {
    const four = await listen('127.0.0.1');
    const all = await listen('0.0.0.0');
    const six = ipv6 ? await listen('::1') : undefined;
    const udp = createSocket('udp4');
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    try {
      const [answer] = await collect([{ fact: 'port', args: {} }], {
        facts: builtinFacts,
        channel: localChannel(shell),
        timeout: 10_000,
      });
      const sockets = answer?.value as PortValue;
      const at = (protocol: string, port: number | undefined) =>
        sockets.filter((s) => s.protocol === protocol && s.port === port).map((s) => s.ip);
      expect(at('tcp', four.port)).toEqual(['127.0.0.1']);
      expect(at('tcp', all.port)).toEqual(['0.0.0.0']);
      if (six) expect(at('tcp', six.port)).toEqual(['::1']);
      expect(at('udp', udp.address().port)).toEqual(['127.0.0.1']);
      expect(answer?.diagnostics).toEqual([]);
    } finally {
      udp.close();
      await Promise.all([four.close(), all.close(), six?.close()]);
    }
  });
});

const line = (address: string, port: string, state: string) =>
  `   0: ${address}:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0`;

test.each([
  ['0100007F', '0016', '127.0.0.1', 22],
  ['00000000', '1F90', '0.0.0.0', 8080],
  ['00000000000000000000000000000000', '0016', '::', 22],
  ['00000000000000000000000001000000', '0016', '::1', 22],
  ['0000000000000000FFFF00000100007F', '0016', '::ffff:127.0.0.1', 22],
  ['B80D0120000000000000000001000000', '0050', '2001:db8::1', 80],
  ['000080FE000000000102030405060708', '0050', 'fe80::403:201:807:605', 80],
  ['B80D0120000001000000010001000000', '0050', '2001:db8:1:0:1::1', 80],
])('the address %s:%s is %s port %i', (address, port, ip, number) => {
  expect(parseSocket(line(address, port, '0A'), 'tcp')).toEqual({ ip, port: number });
});

test('established connections are no listeners, other lines are malformed', () => {
  expect(parseSocket(line('0100007F', '0016', '01'), 'tcp')).toBeNull();
  expect(parseSocket(line('0100007F', '0016', '07'), 'udp')).toEqual({ ip: '127.0.0.1', port: 22 });
  expect(parseSocket('nonsense', 'tcp')).toBeUndefined();
});

test('the parsers take any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseSocket(text, 'tcp');
      headSections(Buffer.from(text), ['/a', '/b']);
      headSections(Buffer.from(`==> /a <==\n${text}\n==> /b <==\n${text}`), ['/a', '/b']);
    }),
  );
});

test('sections of head come in the order asked and once each, or not at all', () => {
  const sections = (text: string) => headSections(Buffer.from(text), ['/a', '/b', '/c']);
  expect(sections('==> /a <==\none\n\n==> /c <==\n')).toEqual(
    new Map([
      ['/a', 'one\n'],
      ['/c', ''],
    ]),
  );
  expect(sections('==> /b <==\n\n==> /a <==\n')).toBeUndefined();
  expect(sections('==> /a <==\n\n==> /a <==\n')).toBeUndefined();
  expect(sections('==> /a <==\n\n==> /x <==\n')).toBeUndefined();
});
