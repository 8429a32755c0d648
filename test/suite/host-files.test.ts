import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtins, loadSuite } from '../../src/suite/index.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'gvm-files-')));
  mkdirSync(join(folder, 'suites/data'), { recursive: true });
  writeFileSync(join(folder, 'suites/data/hello'), 'hello\n');
  writeFileSync(join(folder, 'outside'), 'no\n');
  symlinkSync('data/hello', join(folder, 'suites/inner'));
  symlinkSync('../outside', join(folder, 'suites/outer'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function load(from: string) {
  const path = join(folder, 'suites/s.gvm.yaml');
  const file = `{ from: "${from}", to: /root/x, mode: "0755", owner: root }`;
  writeFileSync(path, `suite: s\nfiles: [${file}]\ntests:\n  - name: t\n    steps:\n      - upload: ${file}\n`);
  return await loadSuite(path, builtins, 's.gvm.yaml');
}

test.each(['data/hello', './data/../data/hello', 'inner', 'data', '.'])(
  '%s is found in the suite folder',
  async (name) => {
    const { tests } = await load(name);
    const expected = name === 'inner' ? 'suites/data/hello' : join('suites', name);
    const declaration = { from: join(folder, expected).replace(/\/$/, ''), to: '/root/x', mode: '0755', owner: 'root' };
    expect(tests.map(({ name, role }) => [name, role])).toEqual([
      ['setup', 'setup'],
      ['t', undefined],
    ]);
    for (const { steps } of tests) expect(steps[0]).toMatchObject([{ kind: 'upload', declaration }]);
  },
);

test.each([
  ['../outside', 'file-outside'],
  ['outer', 'file-outside'],
  ['/etc/passwd', 'file-outside'],
  ['..', 'file-outside'],
  ['nothing', 'file-missing'],
])('%s is refused, at its place', async (name, code) => {
  await expect(load(name)).rejects.toMatchObject({
    code,
    exitCode: 2,
    position: { file: 's.gvm.yaml', line: 2, column: 17 },
  });
});
