import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { suiteLayer } from '../../src/cli/suite-layer.ts';

test('a suite names login keys of its own folder alone, through links as well', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-suite-'));
  const suite = join(folder, 'suites');
  mkdirSync(suite);
  writeFileSync(join(folder, 'secret'), '');
  writeFileSync(join(suite, 'key'), '');
  symlinkSync('../secret', join(suite, 'link'));
  const layer = (key: string) => suiteLayer('suites/a.gvm.yaml', { login: { key } }, folder).keys.login;
  expect(layer('key')).toEqual({ key: join(suite, 'key') });
  for (const key of ['../secret', 'link', join(folder, 'secret'), '/etc/passwd']) {
    expect(() => layer(key)).toThrow(expect.objectContaining({ code: 'file-outside' }));
  }
  expect(() => layer('none')).toThrow(expect.objectContaining({ code: 'file-missing' }));
  expect(suiteLayer('suites/a.gvm.yaml', { cpus: 2 }, folder)).toEqual({
    origin: 'suites/a.gvm.yaml',
    keys: { cpus: 2 },
  });
  rmSync(folder, { recursive: true });
});
