import { describe, expect, test } from 'vitest';
import type { GvmError } from '../../src/errors/index.ts';
import { builtins, compileSuite } from '../../src/suite/index.ts';

/** All problems of a suite as `line:column: message`. */
function problems(text: string): string[] {
  try {
    compileSuite(text, 's.gvm.yaml', builtins);
    return [];
  } catch (error) {
    const { details, exitCode } = error as GvmError;
    expect(exitCode).toBe(2);
    return (details.problems as { position: { line: number; column: number }; message: string }[]).map(
      ({ position, message }) => `${position.line}:${position.column}: ${message}`,
    );
  }
}

/** The names of some kinds, as messages list them. */
const named = (wanted: (kind: (typeof builtins.checks)[number]) => boolean) =>
  builtins.checks
    .filter(wanted)
    .map((check) => check.name)
    .join(', ');

/** A suite with one test of these lines. */
const suite = (...lines: string[]) =>
  ['suite: s', 'tests:', '  - name: t', ...lines.map((l) => `    ${l}`), ''].join('\n');

describe('a test', () => {
  test.each([
    [
      'file: { path: /a, mode: 0644 }',
      '4:29: tests.0.file.mode: expected text, found the plain scalar 0644; write "0644"',
    ],
    ['file: { path: /a, mode: "999" }', '4:29: tests.0.file.mode: expected a file mode in octal such as "0644"'],
    [
      'kernel: { release: 1.10 }',
      '4:24: tests.0.kernel.release: expected text, found the plain scalar 1.10; write "1.10"',
    ],
    [
      'file: { path: /a }',
      '4:11: tests.0.file: asserts nothing: give at least one of exists, type, mode, owner, group, size, md5, sha256, sha512, contents, target',
    ],
    [
      'file: { path: /a, eventually: { within: 1s } }',
      '4:11: tests.0.file: asserts nothing: give at least one of exists, type, mode, owner, group, size, md5, sha256, sha512, contents, target',
    ],
    ['file: { path: etc/x, exists: true }', '4:19: tests.0.file.path: expected an absolute path'],
    [
      'file: { path: /a, exists: false, mode: "0644" }',
      '4:44: tests.0.file.mode: contradicts "exists: false": what does not exist has no mode',
    ],
    ['file: { path: /a, ownr: root }', '4:23: tests.0.file.ownr: unknown key; did you mean "owner"?'],
    ['file: { exists: true }', '4:11: tests.0.file.path: is missing'],
    ['file: /etc/passwd', '4:11: tests.0.file: expected the keys of one file check, or a list of such checks'],
    ['file: []', '4:11: tests.0.file: an empty list asserts nothing'],
    [
      'file: [{ path: /a, exists: true }, { path: /b }]',
      '4:40: tests.0.file.1: asserts nothing: give at least one of exists, type, mode, owner, group, size, md5, sha256, sha512, contents, target',
    ],
    [
      'command: { run: x, stdout: [] }',
      '4:32: tests.0.command.stdout: an empty list of patterns asserts nothing; for empty output write ""',
    ],
    ['command: { run: x, stdout: {} }', '4:32: tests.0.command.stdout: an empty matcher asserts nothing'],
    [
      'command: { run: x, stdout: { matchs: a } }',
      '4:34: tests.0.command.stdout.matchs: unknown key; did you mean "matches"?',
    ],
    [
      'command: { run: x, stdout: { matches: "(" } }',
      '4:43: tests.0.command.stdout.matches: Invalid regular expression: /(/: Unterminated group',
    ],
    [
      'command: { run: x, exit: { contains: 1 } }',
      '4:32: tests.0.command.exit.contains: unknown key; known here: equals, any, all, none, not, gt, ge, lt, le, length'.replace(
        ', length',
        '',
      ),
    ],
    [
      'command: { run: x, timeout: 5 }',
      '4:33: tests.0.command.timeout: expected a duration such as 500ms, 30s or 2m, with its unit',
    ],
    ['command: { run: "" }', '4:21: tests.0.command.run: is empty'],
    [
      'kernel: { release: { semver: nope } }',
      '4:34: tests.0.kernel.release.semver: expected a range of versions, for example ">=6.1 <7"',
    ],
    ['kernel: {}', '4:13: tests.0.kernel: asserts nothing: give at least one of release, arch, taint'],
    ['kernel:', '4:12: tests.0.kernel: expected the keys of one kernel check, or a list of such checks'],
    [
      'openrc: { crashed: }',
      '4:24: tests.0.openrc.crashed: expected a list (exactly that set; [] means none) or a matcher',
    ],
    ['openrc: { services: {} }', '4:25: tests.0.openrc.services: asserts nothing: name a service'],
    [
      'openrc: { services: { sshd: {} } }',
      '4:33: tests.0.openrc.services.sshd: asserts nothing: give state or enabled',
    ],
    [
      'service: { name: a, state: up }',
      '4:32: tests.0.service.state: expected one of started, stopped, crashed, failed, found "up"',
    ],
    [
      'service: { name: a, state: startd }',
      '4:32: tests.0.service.state: expected one of started, stopped, crashed, failed, found "startd"; did you mean "started"?',
    ],
    ['port: { port: 22, listening: true }', '4:19: tests.0.port.port: expected a protocol and a port such as "tcp:22"'],
    ['port: { port: "tcp:0", listening: true }', '4:19: tests.0.port.port: a port is a number from 1 to 65535'],
    ['user: { name: root, uid: zero }', '4:30: tests.0.user.uid: expected a number or a matcher'],
    [
      'process: { name: a, running: false, user: b }',
      '4:47: tests.0.process.user: contradicts "running: false": what does not run has no user',
    ],
    ['prot: { port: "tcp:22" }', '4:5: tests.0.prot: unknown key; did you mean "port"?'],
    ['skip: true', '4:11: tests.0.skip: expected text, found the plain scalar true; write "true"'],
  ])('%s', (line, problem) => {
    const found = problems(suite(line));
    expect(found.join('\n')).toContain(problem);
  });

  test('of nothing but a name asserts nothing', () => {
    expect(problems(suite())).toEqual([
      `3:5: tests.0: asserts nothing: give at least one of ${named((c) => !c.step)}, or steps`,
    ]);
  });

  test('knows no setup of its own', () => {
    expect(problems(suite('kernel: { taint: 0 }', 'setup: []'))[0]).toContain('5:5: tests.0.setup: unknown key');
  });

  test.each([
    [
      ['steps: [{ kernel: { taint: 0 } }]', 'kernel: { taint: 0 }'],
      '5:13: tests.0.kernel: a test has checks or steps, never both: make it a step',
    ],
    [['steps: []'], '4:12: tests.0.steps: an empty list of steps does nothing'],
    [
      ['steps: [{ wait: 1s, crash: {} }]'],
      `4:13: tests.0.steps.0: a step has one key, and milestone beside it: one of ${named(() => true)}`,
    ],
    [['steps: [{ rebot: {} }]'], '4:15: tests.0.steps.0.rebot: unknown key; did you mean "reboot"?'],
    [
      ['steps: [{ wait: soon }]'],
      '4:21: tests.0.steps.0.wait: expected a duration such as 500ms, 30s or 2m, found "soon"',
    ],
    [['steps: [{ network: up }]'], '4:24: tests.0.steps.0.network: expected one of cut, restored, found "up"'],
    [['steps: [{ file: { path: /a } }]'], '4:21: tests.0.steps.0.file: asserts nothing'],
    [
      ['steps: [{ wait: 1s }]', 'eventually: { within: 1s }'],
      '5:17: tests.0.eventually: with steps it stands on a check, not on the test',
    ],
    [['reboot: {}'], '4:5: tests.0.reboot: unknown key'],
    [
      ['kernel: { taint: 0 }', 'needs: {}'],
      '5:12: tests.0.needs: needs nothing: give arch, memory, network, kvm or tool',
    ],
    [['kernel: { taint: 0 }', 'needs: { tool: "a b" }'], '5:20: tests.0.needs.tool: expected the name of a program'],
    [['kernel: { taint: 0 }', 'xfail: { reason: x, until: soon }'], '5:32: tests.0.xfail.until: '],
    [['kernel: { taint: 0, xfail: {} }'], '4:32: tests.0.kernel.xfail.reason: is missing'],
  ])('%j', (lines, problem) => {
    expect(problems(suite(...lines)).join('\n')).toContain(problem);
  });
});

test('conditions and repetition contradict nothing', () => {
  const conditions = 'skip: later, eventually: { within: 1s }, xfail: { reason: bug }';
  expect(problems(suite(`file: { path: /a, exists: false, ${conditions} }`))).toEqual([]);
});

describe('a suite', () => {
  test.each([
    ['', '1:1: expected keys with values, found nothing'],
    ['[]', '1:1: expected keys with values, found a list'],
    ['suite: s\ntests: []\n', '2:8: tests: a suite without tests asserts nothing'],
    ['suite: s\n', '1:1: tests: is missing'],
    ['suite: S\ntests: []\n', '1:8: suite: expected a name of lower-case letters, digits, ".", "_" and "-"'],
    ['suite: s\nsuite: t\ntests: []\n', '2:1: Map keys must be unique'],
    ['suite: s\nimag: x\n', '2:1: imag: unknown key; did you mean "image"?'],
    ['suite: s\nisolation: vm\n', '2:12: isolation: expected one of file, fork, shared, found "vm"'],
    ['suite: s\nversion: 2\n', '2:10: version: expected 1, found 2'],
    [
      'suite: s\nmachine: { memory: 1024 }\n',
      '2:20: machine.memory: expected a size such as 512M or 1G, with its unit',
    ],
    [
      'suite: s\nfixtures: {}\n',
      '2:1: fixtures: unknown key; known here: version, suite, image, machine, matrix, channel, isolation, identity, tags, vars, needs, files, setup, tests, teardown',
    ],
    [
      'suite: s\nisolation: shared\nsetup: [{ crash: {} }]\ntests: [{ name: t, steps: [{ network: cut }] }]\n',
      '3:18: setup.0.crash: would disturb the other suites of a shared guest; set isolation: file',
    ],
    ['suite: [\n', '2:1: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ['suite: s\ntags: [A b]\n', '2:8: tags.0: expected a tag of lower-case letters, digits, ".", "_" and "-"'],
    [
      'a: &a [*a]\n',
      '1:1: a: unknown key; known here: version, suite, image, machine, matrix, channel, isolation, identity, tags, vars, needs, files, setup, tests, teardown',
    ],
    ['suite: s\n---\nsuite: t\n', '2:1: Source contains multiple documents; please use YAML.parseAllDocuments()'],
    ['suite: !!js/function x\n', '1:8: Unresolved tag: tag:yaml.org,2002:js/function'],
  ])('%j', (text, problem) => {
    expect(problems(text)).toContain(problem);
  });

  test('with two tests of one name', () => {
    const test = '  - { name: a, kernel: { taint: 0 } }\n';
    expect(problems(`suite: s\ntests:\n${test}${test}`)).toEqual([
      '4:13: tests.1.name: a test before it has the same name',
    ]);
  });

  test('has all its problems reported at once, in the order of the file', () => {
    const found = problems(suite('file: { path: x, moed: 1 }', 'prot: 1').replace('suite: s', 'suite: S'));
    expect(found.map((p) => p.split(' ')[0])).toEqual(['1:8:', '4:19:', '4:22:', '5:5:']);
  });

  test('that is too long is not read', () => {
    expect(() => compileSuite(`#${'x'.repeat(5 * 2 ** 20)}`, 's', builtins)).toThrowError(/at most 1048576 are read/);
  });
});
