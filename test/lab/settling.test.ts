import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settleScript } from '../../src/lab/settling.ts';

const shells: { program: string; args: string[] }[] = [
  { program: '/bin/sh', args: [] },
  { program: 'bash', args: [] },
  { program: 'busybox', args: ['sh'] },
];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-settle-'));
  mkdirSync(join(folder, 'starting'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The script with the state of OpenRC in a folder of the test. */
const script = () => settleScript('openrc').replaceAll('/run/openrc', folder);

describe.each(shells)('the script that waits for init, under $program', ({ program, args }) => {
  test('waits through the early runlevels, changes and starts, and says what it waits for', async () => {
    const child = spawn(program, [...args, '-c', script()]);
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    const shows = (text: string) => expect.poll(() => said, { timeout: 5000 }).toContain(text);
    await shows('answered\nOpenRC is in runlevel none\n');
    writeFileSync(join(folder, 'softlevel'), 'boot\n');
    await shows('OpenRC is in runlevel boot\n');
    writeFileSync(join(folder, 'starting', 'sshd'), '');
    mkdirSync(join(folder, 'rc.starting'));
    writeFileSync(join(folder, 'softlevel'), 'default\n');
    await shows('OpenRC is in runlevel default, starting sshd\n');
    rmSync(join(folder, 'starting', 'sshd'));
    await shows('OpenRC is in runlevel default\n');
    expect(said).not.toContain('settled');
    rmSync(join(folder, 'rc.starting'), { recursive: true });
    await shows('settled\n');
  });

  test('does not wait where there is no init to ask', () => {
    const output = execFileSync(program, [...args, '-c', settleScript('none')], { encoding: 'utf8' });
    expect(output).toBe('answered\nsettled\n');
  });

  test.each(['openrc', 'systemd', 'unknown'] as const)('is valid for %s', (init) => {
    execFileSync(program, [...args, '-n', '-c', settleScript(init)]);
  });
});
