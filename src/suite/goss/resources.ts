// The resources of goss and their attributes, as checks of gvm and their keys. Specification: goss's docs/gossfile.md.
// What is not in this table is refused by its name.
import type { DocumentPath } from '../../schema/index.ts';
import { allOf, expectationOf, type Kind } from './matchers.ts';
import { isMap, listOf, Refusal, textOf } from './refusal.ts';

type Declaration = Record<string, unknown>;
/** An attribute as keys of a check; none where it asserts nothing. @throws Refusal */
type Attribute = (value: unknown, path: DocumentPath) => Declaration;

export interface Resource {
  /** The check, and its key for what goss has as the key of the resource. */
  check: string;
  subject: string;
  /** The attributes that say the subject instead of that key. */
  alias: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
  /** What no attribute can say alone. */
  finish?(declaration: Declaration, path: DocumentPath): Declaration;
}

const expected =
  (key: string, kind: Kind): Attribute =>
  (value, path) => {
    const found = expectationOf(kind, value, path);
    return found === undefined ? {} : { [key]: found };
  };

const flag =
  (key: string): Attribute =>
  (value, path) => {
    if (typeof value !== 'boolean') throw new Refusal(path, `expected true or false, found ${JSON.stringify(value)}`);
    return { [key]: value };
  };

const text =
  (key: string): Attribute =>
  (value, path) => ({ [key]: textOf(value, path) });

const milliseconds: Attribute = (value, path) => {
  if (typeof value !== 'number' || value < 0) throw new Refusal(path, 'expected a number of milliseconds');
  return value === 0 ? {} : { timeout: `${value}ms` };
};

/** What gvm lacks; left empty it says nothing. */
const lacking =
  (why: string): Attribute =>
  (value, path) => {
    if (value === '') return {};
    throw new Refusal(path, `gvm has no equal: ${why}`);
  };

const TYPES: Readonly<Record<string, string>> = {
  pipe: 'fifo',
  'character-device': 'character',
  'block-device': 'block',
};
const fileType: Attribute = (value, path) => {
  const type = textOf(value, path);
  return { type: TYPES[type] ?? type };
};

const runlevels: Attribute = (value, path) => {
  const [first, second] = listOf(value, path);
  if (second !== undefined) throw new Refusal(path, 'gvm asks for one runlevel of a service; name one');
  return first === undefined ? {} : { runlevel: textOf(first, path) };
};

const IPV6 = { contains: { matches: ':' } };

/** By their names in a goss file. */
export const resources: Readonly<Record<string, Resource>> = {
  file: {
    check: 'file',
    subject: 'path',
    alias: ['path'],
    attributes: {
      exists: flag('exists'),
      mode: expected('mode', 'mode'),
      size: expected('size', 'size'),
      owner: expected('owner', 'string'),
      group: expected('group', 'string'),
      filetype: fileType,
      contents: expected('contents', 'text'),
      contains: expected('contents', 'text'),
      md5: text('md5'),
      sha256: text('sha256'),
      sha512: text('sha512'),
      'linked-to': expected('target', 'string'),
    },
  },
  package: {
    check: 'package',
    subject: 'name',
    alias: ['name'],
    attributes: { installed: flag('installed'), versions: expected('versions', 'list') },
  },
  service: {
    check: 'service',
    subject: 'name',
    alias: ['name'],
    attributes: {
      enabled: flag('enabled'),
      running: (value, path) => ({ state: flag('is')(value, path).is ? 'started' : { not: 'started' } }),
      runlevels,
    },
    finish({ runlevel, ...rest }, path) {
      if (runlevel === undefined) return rest;
      if (rest.enabled === false) throw new Refusal(path, 'a service that is not enabled is in no runlevel');
      return { ...rest, enabled: runlevel };
    },
  },
  user: {
    check: 'user',
    subject: 'name',
    alias: ['username'],
    attributes: {
      exists: flag('exists'),
      uid: expected('uid', 'number'),
      gid: expected('gid', 'number'),
      groups: expected('groups', 'list'),
      home: expected('home', 'string'),
      shell: expected('shell', 'string'),
    },
  },
  group: {
    check: 'group',
    subject: 'name',
    alias: ['groupname'],
    attributes: { exists: flag('exists'), gid: expected('gid', 'number') },
  },
  port: {
    check: 'port',
    subject: 'port',
    alias: ['port'],
    attributes: { listening: flag('listening'), ip: expected('ip', 'list') },
    // What goss calls tcp6 is a socket of IPv6 in gvm's tcp.
    finish({ port, listening, ...rest }) {
      const [, protocol, number] = /^(tcp|udp)6:(.*)$/.exec(String(port)) ?? [];
      if (protocol === undefined) return { port, ...(listening === undefined ? {} : { listening }), ...rest };
      const six = listening === false ? { not: IPV6 } : IPV6;
      return { port: `${protocol}:${number}`, ip: allOf([six, ...(rest.ip === undefined ? [] : [rest.ip])]) };
    },
  },
  process: { check: 'process', subject: 'name', alias: ['comm'], attributes: { running: flag('running') } },
  command: {
    check: 'command',
    subject: 'run',
    alias: ['exec'],
    attributes: {
      'exit-status': expected('exit', 'number'),
      stdout: expected('stdout', 'text'),
      stderr: expected('stderr', 'text'),
      timeout: milliseconds,
    },
  },
  addr: {
    check: 'addr',
    subject: 'address',
    alias: ['address'],
    attributes: { reachable: flag('reachable'), timeout: milliseconds, 'local-address': text('local-address') },
  },
  dns: {
    check: 'dns',
    subject: 'name',
    alias: ['resolve'],
    attributes: {
      resolvable: flag('resolvable'),
      resolveable: flag('resolvable'),
      addrs: (value, path) => expected('addrs', 'list')(withoutFinalDots(value), path),
      server: text('server'),
      timeout: milliseconds,
    },
    finish({ name, ...rest }, path) {
      const [, qtype, bare = name] = /^([A-Z]+):(.*)$/s.exec(String(name)) ?? [];
      if (/^(?:[\d.]+|\[.*\]):\d+$/.test(String(rest.server)))
        throw new Refusal([...path, 'server'], 'gvm asks a server of names at its usual port only');
      if (qtype === undefined) return { name, ...rest };
      const [, a, b, c, d] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(String(bare)) ?? [];
      return { name: qtype === 'PTR' && d !== undefined ? `${d}.${c}.${b}.${a}.in-addr.arpa` : bare, qtype, ...rest };
    },
  },
  http: {
    check: 'http',
    subject: 'url',
    alias: ['url'],
    attributes: {
      status: expected('status', 'number'),
      headers: expected('headers', 'text'),
      body: expected('body', 'text'),
      method: text('method'),
      'request-headers': (value, path) => (listOf(value, path).length === 0 ? {} : { 'request-headers': value }),
      'request-body': text('request-body'),
      'allow-insecure': flag('allow-insecure'),
      'no-follow-redirects': flag('no-follow-redirects'),
      timeout: milliseconds,
      username: lacking('write the header Authorization into request-headers'),
      password: lacking('write the header Authorization into request-headers'),
      'ca-file': lacking('the programs of the guest use its own certificates'),
      'cert-file': lacking('gvm hands the guest no certificate'),
      'key-file': lacking('gvm hands the guest no key'),
      proxy: lacking('set http_proxy in the guest'),
    },
  },
  interface: {
    check: 'interface',
    subject: 'name',
    alias: ['name'],
    attributes: { exists: flag('exists'), addrs: expected('addrs', 'list'), mtu: expected('mtu', 'number') },
  },
  'kernel-param': {
    check: 'kernel-param',
    subject: 'name',
    alias: ['name'],
    attributes: { value: expected('value', 'scalar') },
  },
  mount: {
    check: 'mount',
    subject: 'path',
    alias: ['mountpoint'],
    attributes: {
      exists: flag('exists'),
      opts: expected('options', 'list'),
      'vfs-opts': expected('options', 'list'),
      source: expected('source', 'string'),
      filesystem: expected('fstype', 'string'),
      usage: expected('usage', 'number'),
      // All facts of a test are one question, whose deadline is that of the test.
      timeout: () => ({}),
    },
  },
};

/** Names end in no dot where gvm shows them. */
function withoutFinalDots(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/(?<=[a-z])\.$/i, '');
  if (Array.isArray(value)) return value.map(withoutFinalDots);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, withoutFinalDots(own)]));
}
