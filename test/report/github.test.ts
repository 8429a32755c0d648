import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { expect, test } from 'vitest';
import { withoutCommands } from '../../src/core/index.ts';
import { renderAnnotations } from '../../src/report/github/annotations.ts';
import { renderStepSummary } from '../../src/report/github/summary.ts';
import { exampleRun, guestRecord, testRecord } from './example.ts';
import { hostileRuns } from './hostile.ts';

const fixture = (name: string) => new URL(`../fixtures/report/${name}`, import.meta.url).pathname;

/** The elements of a summary. */
const shape = ['code', 'details', 'h2', 'p', 'pre', 'summary', 'table', 'tbody', 'td', 'th', 'thead', 'tr'];

/** How the runner reads a line (actions/runner, ActionCommand.TryParseV2): properties, then the message. */
function command(line: string) {
  const match = /^\s*::(\S+?)(?: (.*?))?::(.*)$/.exec(line);
  if (!match) return undefined;
  const decode = (text: string) =>
    text.replace(/%(3A|2C|0D|0A|25)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  const properties = Object.fromEntries(
    (match[2] ?? '').split(',').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), decode(pair.slice(at + 1))];
    }),
  );
  return { name: match[1], properties, message: decode(match[3] ?? '') };
}

test('a run is the expected annotations, each on its line of the suite', async () => {
  const text = renderAnnotations(exampleRun({ directory: 'tools/vm' }));
  await expect(text).toMatchFileSnapshot(fixture('annotations.txt'));
  const commands = text.trimEnd().split('\n').map(command);
  expect(commands).toContainEqual({
    name: 'error',
    properties: {
      file: 'tools/vm/suites/boot/boot.gvm.yaml',
      line: '11',
      col: '34',
      title: 'boot > runs the kernel it was built with',
    },
    message: 'kernel: release: "6.1.0" does not match /^7\\./',
  });
});

test('a run is the expected job summary', async () => {
  await expect(renderStepSummary(exampleRun())).toMatchFileSnapshot(fixture('summary.md'));
});

test('of many failures ten are annotated and the last one counts the others; the summary stays small', () => {
  const failure = { check: 'command', path: [], message: 'm'.repeat(50_000) };
  const tests = Array.from({ length: 500 }, (_, i) => testRecord(`t${i}`, { outcome: 'failed', failures: [failure] }));
  const run = exampleRun({ guests: [], errors: [], suites: [{ file: 's', name: 's', sha256: '', tests }] });
  const lines = renderAnnotations(run).trimEnd().split('\n').map(command);
  expect(lines).toHaveLength(10);
  expect(lines.at(-1)?.message).toBe('and 491 more: see the job summary');
  const summary = renderStepSummary(run);
  expect(summary).toContain('… and 460 more');
  expect(Buffer.byteLength(summary)).toBeLessThan(2 ** 20);
});

test('a flaky test is a warning, a guest that died an error with its evidence', () => {
  const boot = { outcome: 'failed' as const, stage: 'initrd' as const, evidence: ['no root'], stages: [] };
  const tests = [testRecord('shaky', { outcome: 'flaky', retries: 2 })];
  const suites = [{ file: 's', name: 's', sha256: '', tests }];
  const run = exampleRun({ errors: [], guests: [guestRecord({ boot })], suites });
  expect(renderAnnotations(run).trimEnd().split('\n').map(command)).toMatchObject([
    { name: 'error', properties: { title: 'boot-1 boots' }, message: expect.stringContaining('stage: initrd') },
    { name: 'warning', message: 'passed after 2 retries' },
  ]);
});

test('no text of a guest or a suite forges a command or leaves its place in the summary', () => {
  for (const run of hostileRuns(60)) {
    const lines = renderAnnotations(run).trimEnd().split('\n');
    for (const line of lines) {
      expect(line).toMatch(/^::error (file=[^:,]*,line=9,col=3,)?title=[^:,]*::/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
      expect(line).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u202a-\u202e]/);
    }
    // As GitHub renders it: what gvm wrote is the structure, everything else is text of it.
    const summary = renderStepSummary(run);
    const page = micromark(summary, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
    expect([...new Set(page.match(/<\/?[a-z0-9]+/gi))].map((tag) => tag.replace(/<\/?/, '')).sort()).toEqual(
      [...shape, ...shape].sort(),
    );
    expect(page.match(/<details>/g)).toHaveLength(6);
    expect(page.match(/<h2>/g)).toHaveLength(1);
    for (const [, inner = ''] of page.matchAll(/<(?:code|pre)>([^<]*)</g))
      expect(inner).toMatch(/^(?:&(?:#\d+|amp|lt|gt|quot);|[^<>\n])*$/);
  }
});

test.each([
  ['::error::x', ': :error::x'],
  ['a\n   ::add-mask::y', 'a\n   : :add-mask::y'],
  ['\u2003::warning::z', '\u2003: :warning::z'],
  ['a ##[group]b', 'a ## [group]b'],
  ['std::string and 10::1', 'std::string and 10::1'],
])('of %j the runner makes no command', (text, safe) => {
  expect(withoutCommands(text)).toBe(safe);
  for (const line of safe.split('\n')) expect(command(line)).toBeUndefined();
});
