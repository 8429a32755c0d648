import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderHtml } from '../../src/report/html/page.ts';
import { renderJunit, renderProgress, renderSummary } from '../../src/report/index.ts';
import { renderTestLine } from '../../src/report/progress.ts';
import { exampleRun, guestRecord, testRecord } from './example.ts';

const fixture = (name: string) => new URL(`../fixtures/report/${name}`, import.meta.url).pathname;
const options = { color: false, tests: true, reports: ['reports/run.json', 'reports/junit.xml'] };

test('the summary of a run', async () => {
  await expect(renderSummary(exampleRun(), options)).toMatchFileSnapshot(fixture('summary.txt'));
});

test('the summary in colour says the same', async () => {
  const text = renderSummary(exampleRun(), { ...options, color: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are such sequences
  expect(text.replace(/\u001b\[\d+m/g, '')).toBe(renderSummary(exampleRun(), options));
  expect(text).toContain('\u001b[31m');
});

test('a run in which all is well is short', () => {
  const run = exampleRun({
    suites: [{ file: 's', name: 'boot', sha256: '', tests: [testRecord('a'), testRecord('b')] }],
    guests: [guestRecord()],
    errors: [],
    totals: { ...exampleRun().totals, tests: 2, passed: 2, failed: 0, error: 0, timeout: 0, skipped: 0, health: 0 },
    durationMs: 12_300,
  });
  expect(renderSummary(run, { color: false, tests: false, reports: ['reports/junit.xml'] })).toMatchInlineSnapshot(`
    "    Tests  2 passed (2)
        Guest  boot-1: openrc, Linux 6.1.0-42-amd64, answered after 7.4 s, settled after 8.9 s, tcg
        Accel  tcg: KVM runs no guest here
         Time  12.3 s
      Reports  reports/junit.xml
    "
  `);
});

test('an interrupted run says so and names no command', () => {
  const text = renderSummary(exampleRun({ interrupted: 'SIGINT' }), options);
  expect(text).toContain('Ended  by SIGINT');
  expect(text).not.toContain('Rerun');
});

test('a long line of the suite is cut around the place', () => {
  const source = `${'x'.repeat(150)}HERE${'y'.repeat(150)}`;
  const failure = { check: 'file', path: [], message: 'm', position: { file: 'f', line: 3, column: 151 }, source };
  const run = exampleRun({
    suites: [
      { file: 'f', name: 'boot', sha256: '', tests: [testRecord('a', { outcome: 'failed', failures: [failure] })] },
    ],
  });
  const lines = renderSummary(run, { ...options, tests: false }).split('\n');
  const at = lines.findIndex((line) => line.includes('HERE'));
  expect(lines[at]?.length).toBeLessThan(120);
  expect(lines[at + 1]?.indexOf('^')).toBe(lines[at]?.indexOf('HERE'));
});

test('no text of a guest reaches the terminal raw', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u001b[2J', '\u001b]0;x\u0007', '\r', '\u009b1m', '\u202e'),
      (a, b) => {
        const text = `${a}${b}${a}`;
        const failure = {
          check: 'file',
          subject: text,
          path: [],
          message: text,
          expected: text,
          actual: text,
          source: text,
          position: { file: text, line: 1, column: 2 },
        };
        const error = { code: text, message: text, hint: text, blame: 'guest' as const };
        const test = testRecord(text, { outcome: 'failed', failures: [failure], error, diagnostics: [text] });
        const guest = guestRecord({ kernel: text, health: [{ kind: text, message: text, when: 'ready' }] });
        const run = exampleRun({
          guests: [guest],
          errors: [error],
          suites: [{ file: text, name: 'boot', sha256: '', tests: [test] }],
          args: ['test', text],
        });
        const shown = [
          renderSummary(run, options),
          renderProgress(
            { kind: 'test-ended', suite: { name: 'boot' }, record: test },
            { color: false, verbose: true },
          ),
          renderProgress(
            { kind: 'health', guest: 'g', finding: { kind: text, message: text, when: 'ready' } },
            { color: false, verbose: true },
          ),
        ];
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to miss
        for (const part of shown) expect(part).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      },
    ),
    { numRuns: 50 },
  );
});

test('live progress, an event a line', () => {
  const say = (event: Parameters<typeof renderProgress>[0], verbose = false) =>
    renderProgress(event, { color: false, verbose });
  const [, failed, skipped] = exampleRun().suites[0]?.tests ?? [];
  const suite = { name: 'boot' };
  const dead = guestRecord({
    boot: { outcome: 'failed', stage: 'kernel', cause: 'panic', message: 'panic: no init\nmore', stages: [] },
  });
  expect([
    say({ kind: 'guest-starting', guest: 'boot-1', image: 'openrc' }),
    say({ kind: 'guest-stage', guest: 'boot-1', stage: 'kernel', atMs: 900 }),
    say({ kind: 'guest-stage', guest: 'boot-1', stage: 'kernel', atMs: 900 }, true),
    say({ kind: 'guest-ready', guest: 'boot-1', record: guestRecord() }),
    say({ kind: 'guest-failed', guest: 'boot-1', record: dead }),
    say({ kind: 'health', guest: 'boot-1', finding: { kind: 'oops', message: 'Oops: 0', when: 'ready' } }),
    say({ kind: 'health', guest: 'boot-1', finding: { kind: 'oops', message: 'Oops', when: 'ready', allowed: 'x' } }),
    say({ kind: 'test-started', suite, test: { name: 'a' } }),
    say({ kind: 'test-ended', suite, record: testRecord('a') }),
    failed && say({ kind: 'test-ended', suite, record: failed }),
    skipped && say({ kind: 'test-ended', suite, record: skipped }),
  ]).toMatchInlineSnapshot(`
    [
      "  … boot-1 boots openrc",
      undefined,
      "    boot-1: kernel after 900 ms",
      "  ▲ boot-1 is ready answered after 7.4 s, settled after 8.9 s",
      "  ▼ boot-1 never became ready (stage kernel, cause panic): panic: no init",
      "  ✚ boot-1: oops: Oops: 0",
      undefined,
      undefined,
      "  ✓ boot › a 340 ms",
      "  ✗ boot › runs the kernel it was built with 1.2 s
          kernel: release: "6.1.0" does not match /^7\\./ (and 1 more)",
      "  ○ boot › is not ready for this skipped: waits for <hardware> & "time"",
    ]
  `);
});

test('a run with a matrix ends with a table of its verdicts', () => {
  const cell = (name: string, suite: string) => ({ name, suite, values: { firmware: name } });
  const suite = (name: string, on: string, tests: ReturnType<typeof testRecord>[]) => ({
    ...{ file: 's', name: `${name} [${on}]`, sha256: '', cell: cell(on, name), tests },
  });
  const dead = testRecord('a', { outcome: 'error', error: { code: 'boot-failed', message: 'x', blame: 'guest' } });
  const run = exampleRun({
    suites: [
      suite('boot', 'direct', [testRecord('a'), testRecord('b')]),
      suite('boot', 'bios', [dead, dead]),
      suite('disk', 'direct', [testRecord('c', { outcome: 'failed' }), testRecord('d')]),
    ],
    guests: [
      guestRecord({ cell: 'direct' }),
      guestRecord({
        ...{ name: 'boot-2', cell: 'bios', kernel: undefined, health: [] },
        boot: { outcome: 'failed', stage: 'firmware', cause: 'no-boot-loader', stages: [] },
      }),
    ],
  });
  const text = renderSummary(run, { color: false, tests: false, reports: [] });
  expect(text.split('\n\n').find((block) => block.includes('  cell'))).toMatchInlineSnapshot(`
    "  cell    boot                              disk           kernel          ready after
      direct  2 passed                          1 of 2 failed  6.1.0-42-amd64  8.9 s
      bios    died in firmware: no-boot-loader"
  `);
});

test('tries that the host has spoiled are told apart from retries, in every report', () => {
  const error = { code: 'guest-lost', message: 'QEMU was ended by SIGKILL', blame: 'host' as const };
  const hostErrors = [{ outcome: 'error' as const, durationMs: 5, failures: [], error }];
  const spoiled = testRecord('spoiled', { outcome: 'passed', hostErrors });
  const run = exampleRun({ suites: [{ file: 's.gvm.yaml', name: 's', sha256: '', tests: [spoiled] }] });
  const told = 'tried again after trouble of the host: QEMU was ended by SIGKILL';
  expect(renderSummary(run, { color: false, tests: true, reports: [] })).toContain('1 tries were spoiled by the host');
  expect(renderTestLine('s', spoiled, false)).toContain(told);
  expect(renderHtml(run, new Map())).toContain(told);
  const junit = renderJunit(run);
  expect(junit).toContain(`name="host-error" value="${told}"`);
  expect(junit).not.toMatch(/<(flaky|rerun)|name="retries"/);
});
