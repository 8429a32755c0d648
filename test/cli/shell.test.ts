import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCommand } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands/index.ts';
import { openOutput } from '../../src/cli/disk/output.ts';
import { complete } from '../../src/cli/shell/complete.ts';
import { quoteWord, splitWords } from '../../src/cli/shell/words.ts';
import { openDisk, openTree, readLayout } from '../../src/disk/index.ts';
import { poweredOff } from '../facts/tree-disk.ts';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;

let off: Awaited<ReturnType<typeof poweredOff>>;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'gvm-shell-'));
  off = await poweredOff({
    '/etc/fstab': '# none\n',
    '/etc/ssh/sshd_config': 'Port 22\n',
    '/srv/two words/odd "name"': 'x\n',
    '/srv/two worlds': '-> /etc',
    '/srv/.hidden': '',
  });
});
afterAll(async () => {
  await off?.remove();
  rmSync(home, { recursive: true, force: true });
});

function session(...lines: string[]): { code: number; stdout: string; stderr: string } {
  const options = { input: `${lines.join('\n')}\n`, env: { ...process.env, GVM_HOME: home, NO_COLOR: '1' } };
  try {
    const stdout = execFileSync(process.execPath, [cli, 'shell', off.image], { ...options, stdio: 'pipe' });
    return { code: 0, stdout: stdout.toString(), stderr: '' };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: Buffer; stderr: Buffer };
    return { code: status, stdout: stdout.toString(), stderr: stderr.toString() };
  }
}

describe('lines of a script', () => {
  test('paths are taken from where one stands', () => {
    const { code, stdout } = session(
      'cd /etc/ssh',
      'pwd',
      'cat sshd_config',
      'cd ..',
      'ls',
      'cat "/srv/two words/odd \\"name\\""',
    );
    expect(code).toBe(0);
    expect(stdout).toBe('/etc/ssh\nPort 22\nfstab\nssh\nx\n');
  });

  test('options are those of the commands, and one that fails ends nothing', () => {
    const { code, stdout, stderr } = session(
      'ls -R --json /etc',
      'lss',
      'cat nothing',
      'ls --nope',
      'cat',
      'exit',
      'pwd',
    );
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { path: string }).path),
    ).toEqual(['/etc/fstab', '/etc/ssh', '/etc/ssh/sshd_config']);
    for (const text of ['did you mean ls?', 'the image has no', 'unknown option --nope', 'usage: cat PATH'])
      expect(stderr).toContain(text);
    expect(code).toBe(2);
  });
});

test('words and how they are written again', () => {
  expect(splitWords(`a 'b c' "d\\" e" f\\ g \\x20\\\\ `).words).toEqual(['a', 'b c', 'd" e', 'f g', '\\x20\\\\']);
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ minLength: 1 }).filter((s) => !s.includes('\\')),
        { maxLength: 5 },
      ),
      (words) => {
        expect(splitWords(words.map(quoteWord).join(' ')).words).toEqual(words);
      },
    ),
  );
});

test('Tab: commands, options, paths from where one stands', async () => {
  await using disk = await openDisk(off.image);
  const layout = await readLayout(disk.source);
  const tree = await openTree(layout);
  const output = openOutput(new PassThrough());
  const opened = { disk, layout, tree, output, signal: new AbortController().signal, at: Buffer.from('/srv') };
  const loaded = await Promise.all(
    commands.filter(({ name }) => ['ls', 'cat', 'tree'].includes(name)).map(loadCommand),
  );
  const tab = (line: string) => complete(line, opened, loaded, ['cd', 'exit']);
  expect(await tab('c')).toEqual([['cat ', 'cd '], 'c']);
  expect((await tab(''))[0]).toHaveLength(5);
  expect(await tab('ls --rec')).toEqual([['--recursive'], '--rec']);
  expect(await tab('cat /etc/s')).toEqual([['/etc/ssh/'], '/etc/s']);
  expect(await tab('cat two\\ wo')).toEqual([['two\\ words/', 'two\\ worlds '], 'two\\ wo']);
  expect(await tab('cat two\\ words/')).toEqual([['two\\ words/odd\\ \\"name\\" '], 'two\\ words/']);
  expect(await tab('cd ')).toEqual([['two\\ words/', 'two\\ worlds '], '']);
  expect(await tab('cd .')).toEqual([['.hidden '], '.']);
  expect(await tab('cd /none/')).toEqual([[], '/none/']);
});
