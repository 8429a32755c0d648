import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { renderJunit } from '../../src/report/index.ts';
import { type RunRecord, runSchema } from '../../src/schema/index.ts';
import { exampleRun, guestRecord, testRecord } from './example.ts';

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const schema = readFileSync(fixture('junit.xsd'), 'utf8');

async function faults(...reports: string[]): Promise<string[]> {
  const xml = reports.map((contents, i) => ({ fileName: `${i}.xml`, contents }));
  const result = await validateXML({ xml, schema: [{ fileName: 'junit.xsd', contents: schema }] });
  return result.errors.map((error) => error.message);
}

test('a run is the expected JUnit document, valid against the schema', async () => {
  const report = renderJunit(exampleRun());
  await expect(report).toMatchFileSnapshot(fixture('report/junit.xml'));
  expect(await faults(report)).toEqual([]);
});

test('the schema is no rubber stamp', async () => {
  const report = renderJunit(exampleRun());
  for (const [from, to] of [
    ['<skipped message=', '<skipped reason='],
    ['<failure ', '<skipped message="x"/><failure '],
    [' hostname="builder"', ''],
    ['time="0.34"', 'time="soon"'],
    ['timestamp="2026', 'timestamp="26'],
  ] as const) {
    expect(report).toContain(from);
    expect(await faults(report.replace(from, to)), from).not.toEqual([]);
  }
});

test('an empty run and a boot that died are valid, and the death is an error with its evidence', async () => {
  const boot = {
    outcome: 'failed' as const,
    stage: 'initrd' as const,
    cause: 'root-device-missing',
    message: 'no root device',
    evidence: ['VFS: Cannot open root device', 'panic'],
    stages: [],
  };
  const died = renderJunit(exampleRun({ guests: [guestRecord({ boot })] }));
  const empty = renderJunit(exampleRun({ guests: [], suites: [], errors: [] }));
  expect(await faults(died, empty)).toEqual([]);
  expect(died).toContain(
    '<error message="no root device" type="failed"><![CDATA[no root device\nstage: initrd\nVFS: Cannot',
  );
});

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    ']]>',
    ']]>]]>]]>',
    '\u0000',
    '\u001b[31mred\u001b[0m',
    '\u001b]0;title\u0007',
    '\ud800',
    'a\udc00b',
    '\ufffe\uffff',
    '<![CDATA[',
    '"/><x a="',
    '&lt;&#0;',
    'timestamp="gvm-mark-0-" gvm-mark-1-0',
    '</failure>',
    'x'.repeat(100_000),
    '\r\n\t',
    '\u202egnp.exe',
  ),
);

/** The example with hostile text in every place that a guest or a suite can fill. */
function hostileRun(a: string, b: string, c: string): RunRecord {
  const error = { code: b, message: a, hint: c, blame: 'guest' as const };
  const failure = { check: a, subject: b, path: [c], message: a, expected: b, actual: c, source: a };
  const commands = [{ run: a, exitCode: null, durationMs: 1, stdout: b, stderr: c }];
  return exampleRun({
    host: { ...exampleRun().host, hostname: a },
    accelerator: { name: 'tcg', reason: b },
    errors: [error],
    guests: [
      guestRecord({
        name: c,
        kernel: a,
        boot: { outcome: 'failed', message: b, evidence: [a, c], stages: [] },
        health: [{ kind: a, message: b, when: 'ready', expired: c }],
      }),
    ],
    suites: [
      {
        file: a,
        name: b,
        sha256: c,
        tests: [
          testRecord(a, { outcome: 'failed', failures: [failure, failure], commands, diagnostics: [b] }),
          testRecord(b, { outcome: 'error', error, guest: c }),
          testRecord(c, { outcome: 'skipped', reason: a }),
          testRecord(c, { outcome: 'skipped', reason: b }),
          testRecord(c, { outcome: 'timeout', failures: [] }),
        ],
      },
    ],
  });
}

test('no text of a guest or a suite makes the document invalid or forges an element of it', async () => {
  const runs = fc.sample(fc.tuple(hostile, hostile, hostile), { numRuns: 60, seed: 7 });
  const reports = runs.map(([a, b, c]) => renderJunit(hostileRun(a, b, c)));
  expect(await faults(...reports)).toEqual([]);
  for (const report of reports) {
    const bare = report.replace(/<!\[CDATA\[[\s\S]*?\]\]>/g, '');
    expect(bare.match(/<testcase /g)).toHaveLength(8);
    expect(bare.match(/<skipped message="/g)).toHaveLength(2);
    expect(bare.match(/<failure /g)).toHaveLength(2);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
    expect(report).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
    expect(report.length).toBeLessThan(4 * 2 ** 20);
  }
}, 30_000);

test('the example is a run by its own schema', () => {
  expect(runSchema.parse(exampleRun())).toEqual(exampleRun());
});
