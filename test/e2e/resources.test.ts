import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { monotonic } from '../../src/core/index.ts';
import type { Channel } from '../../src/guest/index.ts';
import type { Guest } from '../../src/lab/index.ts';
import type { CheckKind } from '../../src/suite/check.ts';
import { askHealth, builtins, compileSuite, judgeHealth, loadSuite, type TestVerdict } from '../../src/suite/index.ts';
import { repository } from './gvm.ts';
import { isWrong, loadFixture, runAll, runOne, sayings, troublesOf, unfailed } from './resources.ts';
import { openTestLab, type TestLab } from './test-lab.ts';

const plan = loadFixture('resources');
const signal = new AbortController().signal;

let lab: TestLab;
let guest: Guest;
let verdicts: Map<string, TestVerdict>;

beforeAll(async () => {
  lab = await openTestLab();
  guest = await lab.lab.start(await lab.describe('resources', { memory: '1G' }));
  verdicts = await runAll(plan, guest);
});
afterAll(async () => {
  await guest?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
});

test('as the guest is, everything holds', () => {
  expect(troublesOf(verdicts)).toEqual([]);
});

test('as the guest is not, every check fails and says what it found', async () => {
  expect(unfailed(plan, verdicts)).toEqual([]);
  await expect(sayings(plan, verdicts)).toMatchFileSnapshot('golden/resources.txt');
});

test('every check has a passing and a failing form here', () => {
  const kinds = (wrong: boolean) =>
    [
      ...new Set(plan.tests.filter((t) => isWrong(t.name) === wrong).flatMap((t) => t.steps.flat().map((c) => c.kind))),
    ].sort();
  const isResource = (c: CheckKind) => 'requests' in c || ['command', 'boot-time'].includes(c.name);
  const all = builtins.checks
    .filter(isResource)
    .map((c) => c.name)
    .sort();
  expect(kinds(false)).toEqual(all);
  expect(kinds(true)).toEqual(all);
});

test('a goss file is asked of the guest without goss: each of its resources is a test', async () => {
  const file = 'test/fixtures/suites/guest.goss.yaml';
  const goss = await loadSuite(join(repository, file), builtins, file);
  const found = await runAll(goss, guest);
  expect(found.size).toBe(28);
  const failed = [...found].flatMap(([name, { outcome, failures, error }]) =>
    outcome === 'passed' ? [] : [[name, error?.message ?? failures.map((f) => `${f.position?.line}: ${f.message}`)]],
  );
  expect(failed).toEqual([
    [
      'file /etc/hostname: not so',
      ['23: mode: expected "0600", found "0644"', expect.stringMatching(/^24: contents: /)],
    ],
    ['port udp:22: not so', ['61: listening: nothing listens on udp:22']],
    ['command false: not so', ['79: exit: expected 0, found 1']],
  ]);
});

test('a program that died is found unasked', async () => {
  const facts = await askHealth(guest.channel(), builtins, { timeout: 20_000 * guest.scale, signal });
  const findings = judgeHealth([], facts, { when: 'release', allow: [], today: new Date() });
  expect(findings.map((f) => f.kind)).toEqual(['core-dump', 'core-dump']);
  const allow = [{ match: '^core-dump: (a program left a core dump: /root/core$|bash )', reason: 'the test wants it' }];
  const allowed = judgeHealth([], facts, { when: 'release', allow, today: new Date() });
  expect(allowed.map((f) => f.allowed)).toEqual(['the test wants it', 'the test wants it']);
});

test('200 checks of one test take one round trip', async () => {
  const lines = (kind: string, declarations: readonly string[]) => [
    `    ${kind}:`,
    ...declarations.map((d) => `      - ${d}`),
  ];
  const many = (count: number, declaration: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => declaration(i));
  const suite = [
    'suite: many',
    'tests:',
    '  - name: many',
    ...lines('file', [
      ...many(40, (i) => `{ path: /etc/no-such-${i}, exists: false }`),
      ...many(40, (i) => `{ path: /etc/passwd, size: { gt: ${i} }, owner: root }`),
    ]),
    ...lines(
      'user',
      many(20, (i) => `{ name: no-such-${i}, exists: false }`),
    ),
    ...lines(
      'group',
      many(20, (i) => `{ name: no-such-${i}, exists: false }`),
    ),
    ...lines(
      'package',
      many(20, (i) => `{ name: no-such-${i}, installed: false }`),
    ),
    ...lines(
      'service',
      many(20, (i) => `{ name: no-such-${i}, state: stopped }`),
    ),
    ...lines(
      'port',
      many(20, (i) => `{ port: "tcp:${7000 + i}", listening: false }`),
    ),
    ...lines(
      'kernel-param',
      many(20, (i) => `{ name: kernel.no_such_${i}, exists: false }`),
    ),
  ].join('\n');
  const [planned] = compileSuite(suite, 'many.gvm.yaml', builtins).tests;
  expect(planned?.steps.flat()).toHaveLength(200);
  let trips = 0;
  const channel: Pick<Channel, 'exec'> = {
    exec: (command, options) => {
      trips++;
      return guest.channel().exec(command, options);
    },
  };
  if (!planned) throw new Error('no test');
  const started = monotonic();
  const verdict = await runOne(planned, guest, channel);
  console.log(`200 checks: ${Math.round(monotonic() - started)} ms, ${trips} round trip`);
  expect(verdict).toMatchObject({ outcome: 'passed', diagnostics: [] });
  expect(trips).toBe(1);
});
