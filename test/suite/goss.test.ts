import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isGvmError } from '../../src/errors/index.ts';
import { compileGoss } from '../../src/suite/goss/compile.ts';
import { resources } from '../../src/suite/goss/resources.ts';
import { builtins } from '../../src/suite/index.ts';

const compile = (text: string, file = 'goss.yaml') => compileGoss(text, file, builtins);

/** The checks of a goss file, as `kind` and declaration. */
const checksOf = (text: string) =>
  compile(text).tests.map((t) => t.steps.flat().map(({ kind, declaration }) => ({ kind, ...declaration }))[0]);

/** What is wrong with a goss file, as `line:column: message`. */
function problemsOf(text: string): string[] {
  try {
    compile(text);
  } catch (error) {
    if (!isGvmError(error)) throw error;
    const { problems = [{ position: error.position, message: error.message }] } = (error.details ?? {}) as {
      problems?: { position: { line: number; column: number }; message: string }[];
    };
    return problems.map(({ position, message }) => `${position?.line}:${position?.column}: ${message}`);
  }
  return [];
}

test('every resource of goss with all of its attributes becomes a check of ours', () => {
  const text = `
file:
  /etc/motd: { exists: true, mode: "0644", size: 10, owner: root, group: root, filetype: pipe, contents: [a, "!b"], md5: ${'f'.repeat(32)} }
  link: { path: /etc/mtab, exists: true, linked-to: /proc/mounts, contains: [], sha256: ${'a'.repeat(64)}, sha512: ${'b'.repeat(128)} }
package:
  vim: { installed: true, versions: ["9.1"] }
service:
  sshd: { enabled: true, running: false }
  other: { name: crond, runlevels: [default], enabled: true }
user:
  larry: { exists: true, uid: 1000, gid: "1000", groups: [wheel], home: /home/larry, shell: /bin/zsh }
group:
  wheels: { groupname: wheel, exists: true, gid: 10 }
port:
  tcp:80: { listening: true, ip: [0.0.0.0] }
  tcp6:80: { listening: true, ip: { consist-of: ["::"] } }
  udp6:53: { listening: false }
process:
  web: { comm: nginx, running: true }
command:
  ls: { exec: ls /, exit-status: { or: [0, 1] }, stdout: exactly, stderr: [], timeout: 500 }
addr:
  tcp://[::1]:22: { reachable: false, timeout: 200, local-address: "::1" }
dns:
  MX:example.org: { resolvable: true, server: 192.0.2.1, addrs: ["10 mail.example.org."], timeout: 0 }
  PTR:192.0.2.7: { resolveable: true, server: 192.0.2.1 }
http:
  https://example.org/: { status: 200, allow-insecure: true, no-follow-redirects: false, timeout: 1000, method: PUT,
    request-headers: ["A: b"], request-body: "{}", headers: ["X: y"], body: [], username: "", password: "" }
interface:
  eth0: { exists: true, addrs: [10.0.2.15/24], mtu: { le: 1500 } }
kernel-param:
  vm.swappiness: { value: "10" }
mount:
  home: { mountpoint: /home, exists: true, opts: [rw], vfs-opts: [noatime], source: /dev/vda3, filesystem: xfs, usage: { lt: 95 }, timeout: 1000 }
`;
  expect(checksOf(text)).toEqual([
    {
      kind: 'file',
      path: '/etc/motd',
      exists: true,
      mode: '0644',
      size: 10,
      owner: 'root',
      group: 'root',
      type: 'fifo',
      contents: { all: [{ contains: 'a' }, { not: { contains: 'b' } }] },
      md5: 'f'.repeat(32),
    },
    {
      kind: 'file',
      path: '/etc/mtab',
      exists: true,
      target: '/proc/mounts',
      sha256: 'a'.repeat(64),
      sha512: 'b'.repeat(128),
    },
    { kind: 'package', name: 'vim', installed: true, versions: { contains: ['9.1'] } },
    { kind: 'service', name: 'sshd', enabled: true, state: { not: 'started' } },
    { kind: 'service', name: 'crond', enabled: 'default' },
    {
      kind: 'user',
      name: 'larry',
      exists: true,
      uid: 1000,
      gid: 1000,
      groups: { contains: ['wheel'] },
      home: '/home/larry',
      shell: '/bin/zsh',
    },
    { kind: 'group', name: 'wheel', exists: true, gid: 10 },
    { kind: 'port', port: 'tcp:80', listening: true, ip: { contains: ['0.0.0.0'] } },
    { kind: 'port', port: 'tcp:80', ip: { all: [{ contains: { matches: ':' } }, { equals: ['::'] }] } },
    { kind: 'port', port: 'udp:53', ip: { not: { contains: { matches: ':' } } } },
    { kind: 'process', name: 'nginx', running: true },
    { kind: 'command', run: 'ls /', exit: { any: [0, 1] }, stdout: 'exactly', timeout: 500 },
    { kind: 'addr', address: 'tcp://[::1]:22', reachable: false, timeout: 200, 'local-address': '::1' },
    {
      kind: 'dns',
      name: 'example.org',
      qtype: 'MX',
      resolvable: true,
      server: '192.0.2.1',
      addrs: { contains: ['10 mail.example.org'] },
    },
    { kind: 'dns', name: '7.2.0.192.in-addr.arpa', qtype: 'PTR', resolvable: true, server: '192.0.2.1' },
    {
      kind: 'http',
      url: 'https://example.org/',
      status: 200,
      'allow-insecure': true,
      'no-follow-redirects': false,
      timeout: 1000,
      method: 'PUT',
      'request-headers': ['A: b'],
      'request-body': '{}',
      headers: { contains: 'X: y' },
    },
    { kind: 'interface', name: 'eth0', exists: true, addrs: { contains: ['10.0.2.15/24'] }, mtu: { le: 1500 } },
    { kind: 'kernel-param', name: 'vm.swappiness', value: '10' },
    {
      kind: 'mount',
      path: '/home',
      exists: true,
      options: { all: [{ contains: ['rw'] }, { contains: ['noatime'] }] },
      source: '/dev/vda3',
      fstype: 'xfs',
      usage: { lt: 95 },
    },
  ]);
  const used = text.split('\n').flatMap((line) => /^([a-z-]+):$/.exec(line)?.[1] ?? []);
  expect(used).toEqual(Object.keys(resources));
});

test.each([
  ['{ have-prefix: "a." }', { matches: '(?<![^])a\\.' }],
  ['{ have-suffix: z }', { matches: 'z(?![^])' }],
  ['{ match-regexp: "^a+$" }', { matches: '^a+$' }],
  ['{ contain-substring: x }', { contains: 'x' }],
  ['{ equal: x }', 'x'],
  ['{ have-len: 3 }', { length: 3 }],
  ['{ not: { and: [a, { have-len: { } }] } }', undefined],
  ['{ or: [a, { not: b }] }', { any: ['a', { not: 'b' }] }],
  ['{ semver-constraint: ">=1 <2" }', { semver: '>=1 <2' }],
])('a matcher of text: %s', (matcher, expected) => {
  const text = `user: { root: { home: ${matcher} } }`;
  if (expected === undefined) expect(problemsOf(text)).toHaveLength(1);
  else expect(checksOf(text)).toEqual([{ kind: 'user', name: 'root', home: expected }]);
});

test.each([
  ['[]', undefined],
  ['[a, { have-prefix: b }]', { contains: ['a', { matches: '(?<![^])b' }] }],
  ['{ contain-element: { match-regexp: x } }', { contains: { matches: 'x' } }],
  ['{ contain-elements: [a, b] }', { contains: ['a', 'b'] }],
  ['{ consist-of: [a, b] }', { equals: ['a', 'b'] }],
  ['{ not: { contain-element: a } }', { not: { contains: 'a' } }],
  ['{ and: [[a], { have-len: 1 }] }', { all: [{ contains: ['a'] }, { length: 1 }] }],
])('a matcher of a list: %s', (matcher, groups) => {
  const text = `user: { root: { exists: true, groups: ${matcher} } }`;
  expect(checksOf(text)).toEqual([{ kind: 'user', name: 'root', exists: true, ...(groups ? { groups } : {}) }]);
});

test.each([
  ['[foo]', { contains: 'foo' }],
  ['["!foo"]', { not: { contains: 'foo' } }],
  ["['\\!foo', '\\/foo']", { all: [{ contains: '!foo' }, { contains: '/foo' }] }],
  ['["/^a/"]', { matches: '^a' }],
  ['["!/^a/"]', { not: { matches: '^a' } }],
  ['{ contain-element: "a.b" }', { matches: '^a\\.b$' }],
  ['{ have-patterns: [a] }', { contains: 'a' }],
  ['{ contain-elements: [{ have-prefix: a }, { have-suffix: b }] }', { all: [{ matches: '^a' }, { matches: 'b$' }] }],
])('patterns of lines: %s', (patterns, stdout) => {
  expect(checksOf(`command: { x: { exit-status: 0, stdout: ${patterns} } }`)).toEqual([
    { kind: 'command', run: 'x', exit: 0, stdout },
  ]);
});

test('title and skip go into the test, meta is taken as it is, and each test stands at its resource', () => {
  const plan = compile(
    'file:\n  /a:\n    title: "two\\nlines"\n    meta: { sev: 1 }\n    skip: true\n    exists: true\n  /b: { exists: false, skip: false }\n',
    'web/prod.goss.yaml',
  );
  expect(plan).toMatchObject({ name: 'web-prod.goss', isolation: 'file', machine: {}, secrets: [] });
  const [a, b] = plan.tests;
  expect(a).toMatchObject({
    id: 'web-prod.goss/file /a: two lines',
    skip: 'the goss file skips it',
    position: { file: 'web/prod.goss.yaml', line: 2, column: 3 },
    steps: [[{ path: ['file', '/a'] }]],
  });
  expect(a?.positions['["file","/a","exists"]']).toEqual([6, 13]);
  expect(b?.skip).toBeUndefined();
});

test.each([
  [
    'file:\n  /a:\n    exists: true\n    uid: 0\n',
    "4:10: file./a.uid: gvm has no equal of this attribute of goss's file",
  ],
  ['gossfile:\n  x.yaml: {}\n', '1:1: gossfile: not read by gvm: a goss file is read alone'],
  ['matching:\n  x: {}\n', '1:1: matching: not read by gvm'],
  ['fil:\n  /a: { exists: true }\n', '1:1: fil: no resource of goss; did you mean file?'],
  ['file:\n  {{ .Env.X }}:\n', '2:3: a template: gvm reads goss files that have none'],
  ['user:\n  a:\n    uid: { have-key: x }\n', "uid.have-key: gvm has no equal of goss's matcher have-key here"],
  [
    'command:\n  a:\n    exit-status: 0\n    stdout: ["/(?i)x/"]\n',
    "4:14: command.a.stdout.0: (?i) is of Go's regular",
  ],
  ['command:\n  a:\n    exit-status: 0\n    stdout: ["/[[:digit:]]/"]\n', "[[:digit:] is of Go's regular"],
  ['file:\n  /a:\n    exists: { not: true }\n', '3:13: file./a.exists: expected true or false'],
  ['file:\n  /a:\n    mode: 0644\n', '3:11: file./a.mode: expected text, found 644; write it in quotes'],
  ['file:\n  a:\n    exists: true\n', '2:3: file.a: expected an absolute path'],
  ['http:\n  http://a/:\n    status: 200\n    username: me\n', '4:15: http.http://a/.username: gvm has no equal'],
  ['service:\n  a:\n    runlevels: [boot, default]\n', '3:16: service.a.runlevels: gvm asks for one runlevel'],
  ['dns:\n  A:a:\n    resolvable: true\n    server: 1.1.1.1:53\n', '4:13: dns.A:a.server: gvm asks a server'],
  ['package:\n  a:\n    title: x\n', '2:3: package.a: asserts nothing'],
  ['file:\n  /a: { exists: true, size: { gt: 1, lt: 2 } }\n', 'a matcher of goss has one key'],
  ['', 'a suite without tests asserts nothing'],
  ['- a\n', 'a suite without tests asserts nothing'],
])('%j is refused at its place', (text, message) => {
  expect(problemsOf(text).join('\n')).toContain(message);
});

test('the file that the end-to-end test asks of a guest is read whole', () => {
  const text = readFileSync('test/fixtures/suites/guest.goss.yaml', 'utf8');
  expect(compile(text).tests).toHaveLength(28);
});
