import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { maskSecrets, renderJson, writeReports } from '../../src/report/index.ts';
import { rerunCommand } from '../../src/report/rerun.ts';
import { runSchema } from '../../src/schema/index.ts';
import { exampleRun, testRecord } from './example.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-report-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const secret = 'hunter2"<&>\\';

test('the reports stand whole under their names, nothing beside them, without secrets', async () => {
  const test = testRecord(secret, {
    outcome: 'failed',
    commands: [{ run: `login ${secret}`, exitCode: 1, durationMs: 1, stdout: secret, stderr: '' }],
  });
  const run = exampleRun({
    environment: { [secret]: secret },
    suites: [{ file: 's', name: 'boot', sha256: '', tests: [test] }],
  });
  const target = join(folder, 'a', 'b');
  await writeReports(run, { folder: target, secrets: [] });
  const paths = await writeReports(run, { folder: target, secrets: [secret] });
  expect(paths).toEqual([join(target, 'run.json'), join(target, 'junit.xml')]);
  expect(readdirSync(target).sort()).toEqual(['junit.xml', 'run.json']);
  for (const path of paths) {
    const text = readFileSync(path, 'utf8');
    expect(text).not.toContain('hunter2');
    expect(text).toContain('[masked]');
  }
  expect(runSchema.parse(JSON.parse(readFileSync(join(target, 'run.json'), 'utf8'))).suites[0]?.tests[0]?.name).toBe(
    '[masked]',
  );
});

test('a folder that cannot be made is an error, and leaves nothing', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(writeReports(exampleRun(), { folder: join(folder, 'file'), secrets: [] })).rejects.toMatchObject({
    code: 'EEXIST',
  });
  expect(readdirSync(folder)).toEqual(['file']);
});

test('run.json holds what the schema knows; a record that does not fit it says so', () => {
  const read = (run: object) => JSON.parse(renderJson(run as ReturnType<typeof exampleRun>));
  expect(read(exampleRun())).toEqual(exampleRun());
  expect(read({ ...exampleRun(), unknown: 1 })).toEqual(exampleRun());
  expect(read({ ...exampleRun(), durationMs: -1 })).toMatchObject({
    durationMs: -1,
    errors: [
      { code: 'tool-failed' },
      { code: 'internal', message: expect.stringContaining('does not fit its own schema: durationMs: ') },
    ],
  });
});

test('no secret is left anywhere, the longest goes first, private keys go by themselves', () => {
  expect(maskSecrets('abcdef abcd', ['abcd', 'abcdef'])).toBe('[masked] [masked]');
  expect(maskSecrets({ a: ['xy', { secretkey: 'secret' }], n: 1, z: null }, ['secret', 'xy', ''])).toEqual({
    a: ['xy', { '[masked]key': '[masked]' }],
    n: 1,
    z: null,
  });
  const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----';
  expect(maskSecrets(`a ${key} b`, [])).toBe('a [masked] b');
  expect(maskSecrets(`a ${key.slice(0, 50)}`, [])).toBe('a [masked]');
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 4 })), fc.string(), fc.nat(3), (secrets, text, at) => {
      const [first = 'none'] = secrets;
      fc.pre(!'[masked]'.includes(first) && !first.includes('[masked]'));
      const masked = maskSecrets({ text: text.slice(0, at) + first + text.slice(at) }, secrets);
      if (secrets.length > 0) expect(masked.text.split('[masked]').some((piece) => piece.includes(first))).toBe(false);
    }),
  );
});

test.each<[string[], string[], string | undefined]>([
  [['test'], [], undefined],
  [['test', 'suites', '--accel', 'tcg'], ['a'], "gvm test suites --accel tcg -t '^(boot > a)$'"],
  [
    ['test', '-t', 'x y', '--tests=z', '--tests', 'q', '-j', '2'],
    ['a.b', "it's"],
    `gvm test -j 2 -t '^(boot > a\\.b|boot > it'\\''s)$'`,
  ],
])('the command that runs the failed tests of %j again', (args, names, expected) => {
  const tests = [testRecord('fine'), ...names.map((name) => testRecord(name, { outcome: 'failed' }))];
  const command = rerunCommand({ args, suites: [{ file: 's', name: 'boot', sha256: '', tests }] });
  expect(command).toBe(expected);
});
