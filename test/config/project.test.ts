import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findProject, openStateFolders, resolveSettings } from '../../src/config/index.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gvm-config-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('gvm.yaml is found upward, but not beyond the repository', () => {
  mkdirSync(join(root, 'repo/.git'), { recursive: true });
  mkdirSync(join(root, 'repo/deep/deeper'), { recursive: true });
  writeFileSync(join(root, 'gvm.yaml'), 'image: outside\n');
  expect(findProject(join(root, 'repo/deep/deeper'))).toBeUndefined();
  writeFileSync(join(root, 'repo/gvm.yaml'), 'image: inside\n');
  expect(findProject(join(root, 'repo/deep/deeper'))?.value).toEqual({ image: 'inside' });
  expect(() => findProject(root, 'other.yaml')).toThrow('no such configuration file');
});

test('settings know where they come from', () => {
  writeFileSync(join(root, 'gvm.yaml'), 'image: mine\nimages: [recipes]\nmatrix: { kernel: [k.deb] }\n');
  const settings = resolveSettings(findProject(root), '/elsewhere', '/shipped', { GVM_SUITES: 'tests' });
  expect(settings).toMatchObject({
    image: 'mine',
    images: [join(root, 'recipes'), '/shipped'],
    suites: '/elsewhere/tests',
    matrix: { kernel: [join(root, 'k.deb')] },
    origins: { image: `${join(root, 'gvm.yaml')}:1`, suites: 'GVM_SUITES', health: 'default' },
  });
});

test('the runtime folder is private, ours, and short enough for sockets', () => {
  const { home, runtime } = openStateFolders({ GVM_HOME: join(root, 'home'), XDG_RUNTIME_DIR: root });
  expect([home, runtime]).toEqual([join(root, 'home'), join(root, 'gvm')]);
  expect(statSync(runtime).mode & 0o777).toBe(0o700);
  expect(() => openStateFolders({ GVM_HOME: root, XDG_RUNTIME_DIR: join(root, 'x'.repeat(80)) })).toThrow('too long');
  writeFileSync(join(root, 'file'), '');
});
