import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GvmError } from '../../src/errors/index.ts';
import { expandSuite } from '../../src/suite/expand.ts';
import { builtins, compileSuite } from '../../src/suite/index.ts';

const compile = (text: string, env: Record<string, string> = {}) =>
  compileSuite(text.replaceAll('@', '$'), 's.gvm.yaml', builtins, env);

function problems(text: string, env: Record<string, string> = {}): string[] {
  try {
    compile(text, env);
    return [];
  } catch (error) {
    const list = (error as GvmError).details.problems as {
      position: { line: number; column: number };
      message: string;
    }[];
    return list.map(({ position, message }) => `${position.line}:${position.column}: ${message}`);
  }
}

describe('variables', () => {
  test('stand in any text; one that is the whole text keeps its type', () => {
    const { tests } = compile(
      `suite: s
vars: { uid: 1000, home: /home, who: { env: WHO }, shell: { env: NONE, default: /bin/sh } }
setup: [{ command: { run: "useradd @{who}" } }]
tests:
  - name: has @{who}
    user: { name: "@{who}", uid: "@{uid}", home: "@{home}/@{who}", shell: "@{shell}" }
    command: { run: 'echo "@@{who} @{PATH} @{who:-x} $who"', stdout: "@{uid}1" }
`,
      { WHO: 'larry' },
    );
    const [setup, planned] = tests;
    expect(setup?.steps[0]?.[0]?.declaration).toEqual({ run: 'useradd larry' });
    expect(planned?.name).toBe('has larry');
    expect(planned?.steps[0]?.map((check) => check.declaration)).toEqual([
      { name: 'larry', uid: 1000, home: '/home/larry', shell: '/bin/sh' },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: what the shell of the guest gets
      { run: 'echo "${who} ${PATH} ${who:-x} $who"', stdout: '10001' },
    ]);
  });

  test('are nothing where a suite has none', () => {
    const [planned] = compile('suite: s\ntests: [{ name: t, command: { run: "echo @{x}" } }]\n').tests;
    expect(planned?.steps[0]?.[0]?.declaration).toEqual({ run: `echo $${'{x}'}` });
  });

  test.each([
    [
      'vars: { a: 1 }',
      'command: { run: "@{other}" }',
      "4:32: tests.0.command.run: no variable is called other; for the shell's own write $@{other}",
    ],
    [
      'vars: { house: 1 }',
      'command: { run: "@{hous}" }',
      '4:32: tests.0.command.run: no variable is called hous; did you mean "house"?',
    ],
    ['vars: { a: { env: GONE } }', 'kernel: { taint: 0 }', '2:19: vars.a.env: the environment has no variable GONE'],
    [
      'vars: { A: 1 }',
      'kernel: { taint: 0 }',
      '2:9: vars.A: expected the name of a variable: lower-case letters, digits, "_" and "-"',
    ],
    [
      'vars: { a: { env: X, secret: true, default: y } }',
      'kernel: { taint: 0 }',
      '2:12: vars.a: a secret has no default: it would stand in the file',
    ],
    ['vars: { a: one }', 'kernel: { taint: "@{a}" }', '4:33: tests.0.kernel.taint: expected a number or a matcher'],
    ['vars: { a: [] }', 'kernel: { taint: 0 }', '2:12: vars.a: a list without values leaves no test'],
    [
      'vars: { a: [1] }\nimage: "@{a}"',
      'kernel: { taint: 0 }',
      '3:8: image: a has several values, and can stand in tests only',
    ],
  ])('%s %s', (head, line, problem) => {
    const found = problems(`suite: s\n${head}\ntests:\n  - { name: t, ${line} }\n`);
    expect(found.join('\n')).toContain(problem.replaceAll('@', '$'));
  });

  test('that are secret are told to whoever masks them', () => {
    const plan = compile(
      'suite: s\nvars: { p: { env: PASS, secret: true } }\ntests: [{ name: t, command: { run: "x @{p}" } }]\n',
      { PASS: 'hunter22' },
    );
    expect(plan.secrets).toEqual(['hunter22']);
  });
});

describe('a variable with several values', () => {
  const text = `suite: s
vars: { port: [22, 80], proto: [tcp, udp] }
tests:
  - name: plain
    kernel: { taint: 0 }
  - name: serves @{proto}
    port: { port: "@{proto}:@{port}", listening: true }
`;

  test('repeats a test for each combination of what it mentions, at its place', () => {
    const { tests } = compile(text);
    expect(tests.map((t) => t.name)).toEqual([
      'plain',
      'serves tcp (port=22)',
      'serves udp (port=22)',
      'serves tcp (port=80)',
      'serves udp (port=80)',
    ]);
    expect(new Set(tests.map((t) => t.position.line))).toEqual(new Set([4, 6]));
    expect(tests.at(-1)).toMatchObject({
      path: ['tests', 1],
      steps: [[{ path: ['tests', 1, 'port'], declaration: { port: 'udp:80' } }]],
    });
    expect(tests.at(-1)?.positions['["tests",1,"port","port"]']).toEqual([7, 19]);
  });

  test('tells a problem of a combination at the place where it is written', () => {
    expect(problems(text.replace('[tcp, udp]', '[tcp, icmp]'))).toEqual([
      '7:19: tests.1.port.port: expected a protocol and a port such as "tcp:22"',
      '7:19: tests.1.port.port: a port is a number from 1 to 65535',
    ]);
  });
});

test('any document at all is expanded or left alone, never thrown at', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (vars, tests) => {
      const { value, origin } = expandSuite({ vars, tests }, {});
      expect(typeof value).toBe('object');
      expect(origin(['tests', 0, 'x'])[0]).toBe('tests');
    }),
  );
});
