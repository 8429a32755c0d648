import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtins, compileSuite, runTestOffline } from '../../src/suite/index.ts';
import { poweredOff } from '../facts/tree-disk.ts';

let off: Awaited<ReturnType<typeof poweredOff>>;
beforeAll(async () => {
  off = await poweredOff({
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
    '/etc/group': 'root:x:0:\n',
    '/etc/runlevels/default/sshd': '-> /etc/init.d/sshd',
    '/etc/init.d/sshd': '#!/sbin/openrc-run\n',
  });
});
afterAll(() => off?.remove());

/** Runs the only test of these lines. */
async function run(lines: string, more = '') {
  const body = lines
    .trim()
    .split('\n')
    .map((l) => `    ${l}\n`);
  const plan = compileSuite(`suite: s\n${more}tests:\n  - name: t\n${body.join('')}`, 's.gvm.yaml', builtins);
  const planned = plan.tests.find(({ role }) => role === undefined);
  if (!planned) throw new Error('no test');
  return await runTestOffline(planned, { disk: off.disk, registry: builtins });
}

test('what the disk can answer is judged as in a guest', async () => {
  expect(await run('user: { name: root, uid: 0, shell: /bin/sh }')).toMatchObject({ outcome: 'passed', failures: [] });
  const verdict = await run('user: { name: root, uid: 1 }\nfile: { path: /etc/passwd, exists: false }');
  expect(verdict.outcome).toBe('failed');
  expect(verdict.failures.map(({ check, position }) => [check, position?.line])).toEqual([
    ['user', 4],
    ['file', 5],
  ]);
});

test('a key that only a guest can tell is skipped by itself', async () => {
  const verdict = await run('service: { name: sshd, state: started, enabled: default }');
  expect(verdict).toMatchObject({
    outcome: 'passed',
    skippedChecks: [{ check: 'service', subject: 'sshd', reason: 'only a running guest can tell state' }],
  });
  const wrong = await run('service: { name: sshd, state: started, enabled: boot }');
  expect(wrong).toMatchObject({ outcome: 'failed', failures: [{ path: ['tests', 0, 'service', 'enabled'] }] });
});

test('keys below other keys are taken out too', async () => {
  const lines =
    'openrc: { crashed: [], services: { sshd: { state: started, enabled: default }, x: { state: stopped } } }';
  const verdict = await run(lines);
  expect(verdict.outcome).toBe('passed');
  expect(verdict.skippedChecks?.map(({ reason }) => reason.replace(/.* /, ''))).toEqual([
    'crashed',
    'services.sshd.state',
    'services.x.state',
  ]);
});

test.each([
  ['service: { name: sshd, state: started }', 'only a running guest can tell state'],
  ['openrc: { crashed: [] }', 'only a running guest can tell crashed'],
  ['command: { run: "true" }', 'it acts in a running guest'],
  ['kernel: { arch: x86_64 }', 'only a running guest can tell the fact "kernel"'],
  ['file: { path: /proc/cpuinfo, exists: true }', '/proc/cpuinfo lies on /proc, which only a running guest has'],
  ['steps:\n  - file: { path: /etc/passwd, exists: true }', 'steps act in a running guest'],
  ['only_if: "true"\nfile: { path: /etc/passwd, exists: true }', 'only_if asks a running guest'],
  ['needs: { kvm: true }\nfile: { path: /etc/passwd, exists: true }', 'needs kvm: no guest runs'],
  ['skip: not today\nfile: { path: /etc/passwd, exists: true }', 'not today'],
])('skipped whole, never passed: %s', async (lines, reason) => {
  expect(await run(lines)).toMatchObject({ outcome: 'skipped', reason, failures: [] });
});

test('what only in part is skipped passes only by the rest', async () => {
  const verdict = await run('command: { run: "true" }\nuser: { name: root, uid: 7 }');
  expect(verdict).toMatchObject({ outcome: 'failed', skippedChecks: [{ check: 'command' }] });
});

test('a known failure stays one', async () => {
  const verdict = await run('user: { name: root, uid: 7, xfail: { reason: known } }');
  expect(verdict).toMatchObject({ outcome: 'xfailed', reason: 'known' });
});
