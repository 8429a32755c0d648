import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunRecord, runSchema } from '../../src/schema/index.ts';
import { type Finished, gvm, project, survivors } from './gvm.ts';

const steps = `suite: steps
files:
  - { from: data, to: /opt/data }
  - { from: data/hello.sh, to: /usr/local/bin/hello, mode: "0750", owner: root:daemon }
vars: { word: { env: GVM_TEST_WORD, secret: true } }
setup:
  - command: { run: "touch /root/prepared && sync" }
tests:
  - name: carries files in and out
    steps:
      - file: { path: /usr/local/bin/hello, mode: "0750", group: daemon }
      - command: { run: "hello \${word} | tee /root/said", stdout: "hello, \${word}" }
      - file: { path: /opt/data/hello.sh, mode: "0755" }
      - download: { from: /root/said, to: words/said }
  - name: comes back after a reboot
    steps:
      - file: { path: /root/prepared, exists: true }
      - command: { run: "touch /run/before && touch /root/mark && sync" }
      - reboot: { within: 120s }
      - file: [{ path: /root/mark, exists: true }, { path: /run/before, exists: false }]
  - name: survives a loss of power
    steps:
      - command: { run: "echo half > /root/half && sync" }
      - crash: {}
      - file: { path: /root/half, contents: half }
      - openrc: { crashed: [] }
  - name: notices that its cable was pulled
    steps:
      - command: { run: "(sleep 2; cat /sys/class/net/eth0/carrier > /root/carrier) > /dev/null 2>&1 &" }
      - network: cut
      - wait: 1s
      - network: restored
      - file: { path: /root/carrier, contents: "0", eventually: { within: 30s } }
  - name: ends at the step that fails
    steps:
      - network: cut
      - file: { path: /root/mark, exists: false, only_if: "true" }
    timeout: 500ms
  - name: goes on with the cable back in
    kernel: { taint: 0 }
  - name: is known to lack this
    xfail: { reason: nobody made it, tracker: T-1 }
    file: { path: /nowhere, exists: true }
  - name: needs more than there is
    needs: { memory: 64G }
    kernel: { taint: 0 }
  - name: reports in TAP
    tap: { run: "printf '1..2\\nok 1 - starts\\nok 2 - prints # SKIP no paper\\n'" }
  - name: reports in the kernel's log
    ktap: { run: /opt/data/ktap.sh }
  - name: leaves a report
    junit: { run: /opt/data/junit.sh, file: /tmp/report.xml }
teardown:
  - command: { run: "test -e /root/prepared" }
`;

const data = {
  'hello.sh': '#!/bin/sh\necho "hello, $1"\n',
  // As KUnit does: through the kernel's log, which has a time stamp before each line.
  'ktap.sh': `#!/bin/sh
while IFS= read -r line; do echo "<6>$line" >/dev/kmsg; done <<'END'
KTAP version 1
1..1
    KTAP version 1
    # Subtest: list
    1..2
    ok 1 list_init
    not ok 2 list_add
not ok 1 list
END
dmesg
`,
  'junit.sh': `#!/bin/sh
cat >/tmp/report.xml <<'END'
<testsuite name="paper"><testcase name="folds"/><testcase name="tears"><failure message="it held"/></testcase></testsuite>
END
exit 1
`,
};

const unprepared = `suite: unprepared
setup:
  - command: { run: "exit 7" }
tests:
  - { name: never runs, kernel: { taint: 0 } }
`;

let at: ReturnType<typeof project>;
let result: Finished;
let record: RunRecord;

beforeAll(async () => {
  at = project({
    'suites/steps.gvm.yaml': steps,
    'suites/unprepared.gvm.yaml': unprepared,
    ...Object.fromEntries(Object.entries(data).map(([name, text]) => [`suites/data/${name}`, text])),
  });
  for (const name of Object.keys(data)) chmodSync(join(at.folder, 'suites/data', name), 0o755);
  result = await gvm(['test'], { cwd: at.folder, env: { GVM_TEST_WORD: 'xyzzy-42' } });
  record = runSchema.parse(JSON.parse(readFileSync(join(at.folder, 'reports/run.json'), 'utf8')));
});
afterAll(() => at.remove());

const all = () => record.suites[0]?.tests ?? [];

test('steps act on the guest in order, and a guest is the same one after a boot', () => {
  const own = all().filter(({ name }) => !name.includes(' › '));
  const outcomes = own.map(({ name, outcome, reason }) => [name, outcome, reason]);
  expect(outcomes, result.stdout + result.stderr).toEqual([
    ['setup', 'passed', undefined],
    ['carries files in and out', 'passed', undefined],
    ['comes back after a reboot', 'passed', undefined],
    ['survives a loss of power', 'passed', undefined],
    ['notices that its cable was pulled', 'passed', undefined],
    ['ends at the step that fails', 'timeout', undefined],
    ['goes on with the cable back in', 'passed', undefined],
    ['is known to lack this', 'xfailed', 'nobody made it (T-1)'],
    ['needs more than there is', 'skipped', 'needs 64G of memory: the guest has 1G'],
    ['reports in TAP', 'passed', undefined],
    ["reports in the kernel's log", 'failed', undefined],
    ['leaves a report', 'failed', undefined],
    ['teardown', 'passed', undefined],
  ]);
});

test('results of programs in the guest are tests of their own', () => {
  const results = all().filter(({ name }) => name.includes(' › '));
  expect(results.map(({ name, outcome, reason, failures }) => [name, outcome, reason ?? failures[0]?.message])).toEqual(
    [
      ['reports in TAP › starts', 'passed', undefined],
      ['reports in TAP › prints', 'skipped', 'no paper'],
      ["reports in the kernel's log › list › list_init", 'passed', undefined],
      ["reports in the kernel's log › list › list_add", 'failed', 'not ok'],
      ['leaves a report › paper › folds', 'passed', undefined],
      ['leaves a report › paper › tears', 'failed', 'it held'],
    ],
  );
});

test('files came in and out, and the secret is in what came out alone', () => {
  const said = readFileSync(join(at.folder, 'reports/files/steps/words/said'), 'utf8');
  expect(said).toBe('hello, xyzzy-42\n');
  for (const name of ['run.json', 'junit.xml']) {
    expect(readFileSync(join(at.folder, 'reports', name), 'utf8')).not.toContain('xyzzy-42');
  }
  expect(result.stdout + result.stderr).not.toContain('xyzzy-42');
});

test('every boot is recorded, with its stages', () => {
  const [guest] = record.guests;
  expect(guest?.reboots?.map(({ how, outcome }) => [how, outcome])).toEqual([
    ['reboot', 'ready'],
    ['crash', 'ready'],
  ]);
  for (const { stages } of guest?.reboots ?? []) expect(stages.map((s) => s.stage)).toContain('init');
  expect(guest?.health).toEqual([]);
  const console = readFileSync(join(at.folder, 'reports', guest?.console ?? ''), 'utf8');
  expect(console.match(/Linux version/g)).toHaveLength(3);
});

test('a setup that fails leaves the tests unrun, and the run failed', () => {
  const tests = record.suites[1]?.tests;
  expect(tests?.map(({ name, outcome }) => [name, outcome])).toEqual([
    ['setup', 'failed'],
    ['never runs', 'skipped'],
  ]);
  expect(tests?.[1]?.reason).toContain('the setup of the suite failed: exit: expected 0, found 7');
  expect(result.code).toBe(1);
  expect(record.totals).toMatchObject({ tests: 19, failed: 5, passed: 9, skipped: 3, xfailed: 1, timeout: 1 });
});

test('nothing of the run is left', async () => {
  expect(await survivors()).toEqual([]);
});
