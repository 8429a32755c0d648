import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadCommand } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands/index.ts';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;
let folder: string;
const scripts: Record<string, string> = {};
const hostile = 'suites/$(touch hacked) `x`;y.gvm.yaml';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-completion-'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/gvm'), `#!/bin/sh\nexec ${process.execPath} ${cli} "$@"\n`);
  chmodSync(join(folder, 'bin/gvm'), 0o755);
  mkdirSync(join(folder, 'suites'));
  for (const name of ['suites/boot.gvm.yaml', 'suites/login.gvm.yaml', hostile]) writeFileSync(join(folder, name), '');
  for (const shell of ['bash', 'zsh', 'fish']) {
    scripts[shell] = execFileSync(process.execPath, [cli, 'completion', shell], { encoding: 'utf8' });
    writeFileSync(join(folder, shell), scripts[shell]);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const env = () => ({
  ...process.env,
  PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
  HOME: folder,
  GVM_HOME: join(folder, 'home'),
});

/** What bash offers where the last of these words is being typed. */
function bash(...words: string[]): string[] {
  const script = `source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gvm; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', ...words], {
    cwd: folder,
    env: env(),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands, options of the command, values', () => {
  expect(bash('gvm', 'complet')).toEqual(['completion']);
  expect(bash('gvm', '')).toEqual(commands.map(({ name }) => name));
  expect(bash('gvm', 'test', '--acc')).toEqual(['--accel']);
  expect(bash('gvm', 'test', '--accel', '')).toEqual(['auto', 'kvm', 'tcg']);
  expect(bash('gvm', 'test', '--accel', '=', 'k')).toEqual(['kvm']);
  expect(bash('gvm', 'stop', '--accel', '')).not.toContain('--list');
  expect(bash('gvm', '-C', '/', 'report', 'm')).toEqual(['merge']);
  expect(bash('gvm', 'test', '-t', '')).toEqual([]);
  expect(bash('gvm', 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
});

test('bash completes the names of images and suites, and runs nothing that stands in a name', () => {
  expect(bash('gvm', 'boot', 'open')).toContain('openrc');
  expect(bash('gvm', 'test', '--image', 'open')).toContain('openrc');
  expect(bash('gvm', 'test', 'suites/l')).toContain('suites/login.gvm.yaml');
  const all = bash('gvm', 'test', 'suites/');
  expect(all.some((name) => name.includes('touch'))).toBe(true);
  expect(existsSync(join(folder, 'hacked'))).toBe(false);
});

test('every command and option stands in every script', async () => {
  for (const command of await Promise.all(commands.map(loadCommand))) {
    for (const [shell, script] of Object.entries(scripts)) {
      expect(script, shell).toContain(command.name);
      for (const option of command.options)
        expect(script, shell).toContain(shell === 'fish' ? `-l ${option}` : `--${option}`);
    }
  }
});

const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

test.skipIf(!has('zsh'))('zsh completes the same', () => {
  const script = `autoload -Uz compinit; compinit -u -d ${join(folder, 'dump')}; source ./zsh
    compadd() { local -a left; left=("$@"); while [[ \${left[1]} == -* ]]; do [[ \${left[1]} == -a ]] && { print -l -- \${(P)left[2]}; return }; shift left; done; print -l -- $left }
    _describe() { print -l -- \${(P)2} }
    _files() { : }
    words=("$@"); CURRENT=$#; PREFIX=\${words[-1]}; _gvm`;
  const zsh = (...words: string[]) => {
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script, 'zsh', ...words], {
      cwd: folder,
      env: env(),
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.trim().split('\n');
  };
  expect(spawnSync('zsh', ['-n', 'zsh'], { cwd: folder }).status).toBe(0);
  expect(zsh('gvm', '')).toContain('test:boot guests and run suites in them');
  expect(zsh('gvm', 'test', '--accel', '')).toEqual(['auto', 'kvm', 'tcg']);
  expect(zsh('gvm', 'test', '--')).toContain('--memory:memory of the guest, for example 1G');
  expect(zsh('gvm', 'boot', '')).toContain('openrc');
});

test.skipIf(!has('fish'))('fish completes the same', () => {
  const fish = (line: string) =>
    spawnSync('fish', ['--no-config', '-c', `source ./fish; complete -C ${JSON.stringify(line)}`], {
      cwd: folder,
      env: env(),
      encoding: 'utf8',
    })
      .stdout.trim()
      .split('\n')
      .map((answer) => answer.split('\t')[0]);
  expect(spawnSync('fish', ['--no-execute', 'fish'], { cwd: folder }).status).toBe(0);
  expect(fish('gvm complet')).toEqual(['completion']);
  expect(fish('gvm test --acc')).toEqual(['--accel']);
  expect(fish('gvm test --accel ').sort()).toEqual(['auto', 'kvm', 'tcg']);
  expect(fish('gvm boot open')).toContain('openrc');
  expect(fish('gvm report ')).toEqual(expect.arrayContaining(['merge', 'show']));
});

test('what is unknown is refused with the nearest', () => {
  const { status, stderr } = spawnSync(process.execPath, [cli, 'completion', 'bsah'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: 'error: gvm completion: bsah is unknown\n  hint: did you mean bash?\n',
  });
});
