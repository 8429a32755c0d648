import { expect, test } from 'vitest';
import { builtins, changedTests, compileSuite } from '../../src/suite/index.ts';

const text = `suite: s
setup:
  - command: { run: "true" }
tests:
  - { name: a, kernel: { taint: 0 } }
  - { name: b, file: { path: /etc/passwd, mode: "0644" } }
  - name: c
    steps:
      - command: { run: "id" }
`;
const plan = (source: string) => [compileSuite(source, 's.gvm.yaml', builtins)];
const changed = (source: string) =>
  changedTests(plan(text), plan(source)).flatMap(({ tests }) => tests.filter((t) => !t.role).map(({ name }) => name));

test.each([
  ['nothing', text, []],
  ['a comment and empty lines before the tests', text.replace('tests:', '# why\n\ntests:'), []],
  ['the order of the tests', text.replace(/( {2}- \{ name: a.*\n)( {2}- \{ name: b.*\n)/, '$2$1'), []],
  ['an expectation', text.replace('0644', '0600'), ['b']],
  ['a command in a step', text.replace('"id"', '"id -u"'), ['c']],
  ['a new test', `${text}  - { name: d, kernel: { taint: 0 } }\n`, ['d']],
  ['a test less', text.replace(/.*name: a.*\n/, ''), []],
  ['the setup', text.replace('"true"', '"false"'), ['a', 'b', 'c']],
  ['the machine', text.replace('setup:', 'machine: { cpus: 1 }\nsetup:'), ['a', 'b', 'c']],
])('%s', (_what, source, names) => {
  expect(changed(source)).toEqual(names);
});

test('of a suite that is code any change is one of all its tests', () => {
  const code = plan(text).map((p) => ({ ...p, tests: p.tests.map((t) => ({ ...t, steps: [] })) }));
  const edited = code.map((p) => ({ ...p, sha256: 'other' }));
  expect(changedTests(code, code)).toEqual([]);
  expect(changedTests(code, edited)[0]?.tests).toHaveLength(4);
});
