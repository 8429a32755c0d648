import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { renderJunit } from '../../src/report/index.ts';
import { runSchema } from '../../src/schema/index.ts';
import { exampleRun, guestRecord, testRecord } from './example.ts';
import { hostileRuns } from './hostile.ts';

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
  const died = renderJunit(exampleRun({ guests: [guestRecord({ boot, picture: 'screen/boot-1.png' })] }));
  const empty = renderJunit(exampleRun({ guests: [], suites: [], errors: [] }));
  expect(await faults(died, empty)).toEqual([]);
  expect(died).toContain(
    '<error message="no root device" type="failed"><![CDATA[no root device\nstage: initrd\nVFS: Cannot',
  );
  expect(died).toContain('<property name="guest.picture" value="screen/boot-1.png"/>');
});

test('tries before the last are flaky where it passed, else reruns', async () => {
  const failures = [{ check: 'command', path: [], message: 'exit: <1>' }];
  const error = { code: 'guest-lost', message: 'it "went"', blame: 'guest' as const };
  const attempts = [
    { outcome: 'failed' as const, durationMs: 1, failures },
    { outcome: 'error' as const, durationMs: 1, failures: [], error },
  ];
  const shaky = testRecord('shaky', { outcome: 'flaky', retries: 2, attempts });
  const broken = testRecord('broken', { outcome: 'failed', retries: 2, attempts, failures });
  const [suite] = exampleRun().suites;
  const report = renderJunit(exampleRun({ suites: suite ? [{ ...suite, tests: [shaky, broken] }] : [] }));
  expect(await faults(report)).toEqual([]);
  for (const kind of ['flaky', 'rerun']) {
    expect(report).toContain(`<${kind}Failure message="command: exit: &lt;1&gt;" type="failed"><stackTrace>`);
    expect(report).toContain(`<${kind}Error message="it &quot;went&quot;" type="guest-lost"><stackTrace>`);
  }
  expect(report.match(/<failure /g)).toHaveLength(2);
});

test('no text of a guest or a suite makes the document invalid or forges an element of it', async () => {
  const reports = hostileRuns(60).map(renderJunit);
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
