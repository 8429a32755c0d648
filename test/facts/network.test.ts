import { createSocket, type Socket } from 'node:dgram';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces, userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answersOf } from '../../src/facts/dns-answers.ts';
import { parseCurl, parseWget } from '../../src/facts/http-answers.ts';
import type { AddrValue, DnsValue, HttpValue, InterfaceValue } from '../../src/facts/index.ts';
import { addressesOf } from '../../src/facts/interface.ts';
import type { Channel } from '../../src/guest/index.ts';
import { findTool } from '../../src/process/index.ts';
import { ask } from './ask.ts';
import { bareGuest, canChroot } from './chroot.ts';
import { localChannel, shells } from './local-channel.ts';

const web = createHttp((request, response) => {
  if (request.url === '/moved') response.writeHead(302, { location: '/' }).end('gone');
  else if (request.url === '/missing') response.writeHead(404, { 'x-why': 'not here' }).end('no such page');
  else if (request.url === '/echo') {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const told = `${request.method} ${request.headers['x-test'] ?? ''} ${Buffer.concat(chunks)}`;
      response.writeHead(200, { 'content-type': 'text/plain' }).end(told);
    });
  } else response.writeHead(200, { 'content-type': 'text/html' }).end('hello\n\nHTTP/1.1 500 forged\n');
});
let port = 0;
let closed = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  port = (web.address() as AddressInfo).port;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closed = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
});
afterAll(() => new Promise((resolve) => web.close(resolve)));

/** A channel whose shell does not find these programs. */
function without(channel: ReturnType<typeof localChannel>, ...programs: string[]): ReturnType<typeof localChannel> {
  const hidden = `command() { case $2 in ${programs.join(' | ')}) return 1 ;; esac; type "$2" >/dev/null 2>&1; }\n`;
  const exec: Channel['exec'] = (script, options) => channel.exec(hidden + script, options);
  return { exec, trips: 0 };
}

const bare = canChroot ? bareGuest({ '/dev/null': '' }) : undefined;
afterAll(() => bare?.remove());

const ways: [string, () => ReturnType<typeof localChannel>, needed: string][] = [
  ['bash', () => localChannel(), 'bash'],
  ['socat', () => without(localChannel(), 'bash'), 'socat'],
  ['nc', () => without(localChannel(), 'bash', 'socat'), 'nc'],
  ['nc of busybox', () => bare?.channel ?? localChannel(), 'busybox'],
];

describe.each(ways.filter(([name, , tool]) => findTool(tool) && (name !== 'nc of busybox' || bare)))(
  'a connection by %s',
  (_, channel) => {
    test('to an open port, to a closed one, to an address of nobody', async () => {
      const to = (host: string, port: number) => ({ host, port, seconds: 2 });
      const [open, shut, nobody] = await ask(
        channel(),
        'addr',
        to('127.0.0.1', port),
        to('127.0.0.1', closed),
        to('nobody.invalid', 1),
      );
      expect(open?.value).toMatchObject({ reachable: true, why: '' });
      expect(shut?.value).toMatchObject({ reachable: false });
      expect((nobody?.value as AddrValue | undefined)?.reachable).toBe(false);
    });
  },
);

test.runIf(findTool('socat') || findTool('nc'))('a connection from a given address', async () => {
  const [own, foreign] = await ask(
    localChannel(),
    'addr',
    { host: '127.0.0.1', port, seconds: 2, local: '127.0.0.2' },
    { host: '127.0.0.1', port, seconds: 2, local: '203.0.113.77' },
  );
  expect(own?.value).toMatchObject({ reachable: true });
  expect(foreign?.value).toMatchObject({ reachable: false });
});

const request = (path: string, more: object = {}) => ({
  url: `http://127.0.0.1:${port}${path}`,
  method: 'GET',
  headers: [],
  insecure: false,
  follow: true,
  seconds: 5,
  ...more,
});

const clients: [string, () => ReturnType<typeof localChannel>, tool: string][] = [
  ['curl', () => localChannel(), 'curl'],
  ['wget', () => without(localChannel(), 'curl'), 'wget'],
  ['busybox wget', () => bare?.channel ?? localChannel(), 'busybox'],
];

describe.each(clients.filter(([name, , tool]) => findTool(tool) && (name !== 'busybox wget' || bare)))(
  'HTTP by %s',
  (name, channel) => {
    test('status, headers and body', async () => {
      const asked = [
        request('/'),
        request('/moved'),
        request('/missing'),
        request('/echo', { headers: ['X-Test: it"s'], body: 'a b', method: 'POST' }),
      ];
      const answers = await ask(channel(), 'http', ...asked);
      const found = answers.map((a) => a.value as HttpValue);
      expect(found.map((v) => v?.tool)).toEqual(answers.map(() => name));
      expect(found.map((v) => v.status)).toEqual([200, 200, 404, 200]);
      expect(found[0]?.headers).toContain('Content-Type: text/html');
      expect(found[0]?.body).toBe('hello\n\nHTTP/1.1 500 forged\n');
      expect(found[1]?.body).toBe(found[0]?.body);
      if (name !== 'busybox wget') expect(found[2]?.headers).toContain('X-Why: not here');
      expect(found[2]?.body).toBe(name === 'busybox wget' ? undefined : 'no such page');
      expect(found[3]?.body).toBe('POST it"s a b');
    });

    test('no answer is no value, with the reason', async () => {
      const [refused, redirected] = await ask(
        channel(),
        'http',
        { ...request('/'), url: `http://127.0.0.1:${closed}/` },
        request('/moved', { follow: false }),
      );
      expect(refused?.value).toBeUndefined();
      expect(refused?.diagnostics.join()).toMatch(/nothing answers there|refused|status 4/);
      if (name === 'busybox wget') expect(redirected?.diagnostics.join()).toMatch(/follows every redirection/);
      else expect(redirected?.value).toMatchObject({ status: 302 });
    });
  },
);

test('curl: several headers, a body that is too large, no answer', () => {
  const headers = 'HTTP/1.1 302 Found\r\nlocation: /\r\n\r\nHTTP/2 200\r\nCONTENT-type:  a b \r\n\r\n';
  const output = (body: string, tail: string) => Buffer.from(`${headers}${body}\n${tail}`);
  expect(parseCurl(output('x\ny', `200 ${headers.length} 0`), 10)).toEqual({
    status: 200,
    headers: ['Content-Type: a b'],
    body: 'x\ny',
  });
  expect(parseCurl(output('x'.repeat(11), `200 ${headers.length} 0`), 10)).toEqual({
    status: 200,
    headers: ['Content-Type: a b'],
  });
  expect(parseCurl(Buffer.from('\n000 0 6'), 10)).toBe('the name could not be resolved');
  expect(parseCurl(output('x', ''), 10)).toBe('its answer is larger than 10 bytes');
});

test('wget: what it says between the headers does not count', () => {
  const head = 'Redirecting\n  HTTP/1.1 301 Moved\n  Location: /\n  HTTP/1.1 200 OK\n  a: b\nstatus 0';
  expect(parseWget(Buffer.from(head), Buffer.from('body'), 10)).toEqual({
    status: 200,
    headers: ['A: b'],
    body: 'body',
  });
  expect(parseWget(Buffer.from('wget: bad address\nstatus 1'), Buffer.alloc(0), 10)).toBe('wget: bad address');
  expect(parseWget(Buffer.from('status 143'), Buffer.alloc(0), 10)).toBe('no answer in time');
});

/** A name server with three records: it answers A and MX of known.test and nothing else. */
function nameServer(socket: Socket): void {
  socket.on('message', (query, peer) => {
    const end = query.indexOf(0, 12) + 5;
    const question = query.subarray(12, end);
    const name = question.toString('latin1').replace(/[^a-z]/g, '.');
    const known = name.includes('known') && name.includes('test');
    const type = query.readUInt16BE(end - 4);
    const record = (data: number[]) => Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]);
    const answers = !known
      ? []
      : type === 1
        ? [record([192, 0, 2, 1]), record([192, 0, 2, 2])]
        : type === 15
          ? [record([0, 10, 2, 0x6d, 0x78, 0xc0, 12])]
          : [];
    const header = Buffer.from([
      query[0] ?? 0,
      query[1] ?? 0,
      0x81,
      known ? 0x80 : 0x83,
      0,
      1,
      0,
      answers.length,
      0,
      0,
      0,
      0,
    ]);
    socket.send(Buffer.concat([header, question, ...answers]), peer.port, peer.address);
  });
}

describe.runIf(userInfo().uid === 0 && findTool('busybox'))('DNS by nslookup of busybox', () => {
  const socket = createSocket('udp4');
  beforeAll(() => new Promise<void>((resolve) => socket.bind(53, '127.0.0.53', resolve)));
  afterAll(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  nameServer(socket);

  test('records that are there, and those that are not', async () => {
    const channel = without(localChannel(['busybox', 'sh']), 'dig', 'drill');
    const about = (name: string, qtype: string, server = '127.0.0.53') => ({ name, qtype, server, seconds: 5 });
    const answers = await ask(
      channel,
      'dns',
      about('known.test', 'A'),
      about('known.test', 'MX'),
      about('absent.test', 'A'),
      { name: 'known.test', qtype: 'A', server: '127.0.0.54', seconds: 1 },
    );
    expect(answers.map((a) => (a.value as DnsValue | undefined)?.addrs)).toEqual([
      ['192.0.2.1', '192.0.2.2'],
      ['10 mx.known.test'],
      [],
      undefined,
    ]);
    expect(answers[3]?.diagnostics[0]).toMatch(/^known\.test: nslookup says: /);
  });
});

test('names of the name service switch', async () => {
  const [local, none] = await ask(
    localChannel(),
    'dns',
    { name: 'localhost', seconds: 5 },
    { name: 'no-such.invalid', seconds: 5 },
  );
  expect((local?.value as DnsValue | undefined)?.addrs.some((a) => a === '127.0.0.1' || a === '::1')).toBe(true);
  expect(none?.value).toEqual({ resolvable: false, addrs: [], tool: 'getent' });
});

const dig = (status: string, answers: string) =>
  `;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: ${status}, id: 1\n;; flags: qr\n\n;; ANSWER SECTION:\n${answers}`;

test.each<[Parameters<typeof answersOf>, string[] | string]>([
  [['dig', dig('NOERROR', 'a.test.\t60\tIN\tCNAME\tb.test.\nb.test.\t60\tIN\tA\t192.0.2.1\n'), 'A', 0], ['192.0.2.1']],
  [['dig', dig('NOERROR', 'a.test.\t60\tIN\tCNAME\tb.test.\n'), 'CNAME', 0], ['b.test']],
  [['dig', dig('NXDOMAIN', ''), 'A', 0], []],
  [['dig', dig('SERVFAIL', ''), 'A', 0], 'SERVFAIL'],
  [['dig', ';; communications error: timed out\n', 'A', 9], ';; communications error: timed out'],
  [
    ['drill', ';; ->>HEADER<<- opcode: QUERY, rcode: NOERROR, id: 1\na.test.\t60\tIN\tTXT\t"v=spf1 -all"\n', 'TXT', 0],
    ['"v=spf1 -all"'],
  ],
  [
    ['nslookup', 'Server:\t\t192.0.2.9\nAddress:\t192.0.2.9#53\n\nName:\ta.test\nAddress: 2001:db8::1\n', 'AAAA', 0],
    ['2001:db8::1'],
  ],
  [['nslookup', "Server:\t\t192.0.2.9\nAddress:\t192.0.2.9#53\n\n** server can't find a.test: NXDOMAIN\n", 'A', 1], []],
  [['nslookup', "*** Can't find a.test: No answer\n", 'MX', 1], []],
  [['nslookup', '', 'MX', 143], 'no answer in time'],
  [['getent', '', 'A', 2], []],
  [['getent', '192.0.2.1  STREAM a\n192.0.2.1  DGRAM\n', 'A', 0], ['192.0.2.1']],
])('%j', (said, answers) => {
  expect(answersOf(...said)).toEqual(answers);
});

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('under %s', (_, shell) => {
  test('interfaces and addresses are those that the host sees', async () => {
    const [answer] = await ask(localChannel(shell), 'interface', {});
    const found = answer?.value as InterfaceValue;
    for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
      const expected = addresses.map((a) => a.cidr ?? '').sort();
      const seen = found.find((i) => i.name === name);
      if (seen?.addrs) expect([...seen.addrs].sort()).toEqual(expected);
      expect(seen?.mtu).toBeGreaterThan(0);
    }
  });
});

test('addresses of ip: peers, labels, names with a parent', () => {
  const lines = [
    '1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever',
    '7: ppp0    inet 10.0.0.1 peer 10.0.0.2/32 scope global ppp0\\       valid_lft forever',
    '9: veth1@if8    inet6 fe80::1/64 scope link',
    '3: wg0    inet 10.9.0.1 scope global wg0',
    'nonsense',
  ];
  expect(Object.fromEntries(addressesOf(lines))).toEqual({
    lo: ['127.0.0.1/8'],
    ppp0: ['10.0.0.1/32'],
    veth1: ['fe80::1/64'],
    wg0: ['10.9.0.1/32'],
  });
});
