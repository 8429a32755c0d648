import { expect, test } from 'vitest';
import { loadCommand } from '../../src/cli/command.ts';
import { commands as rows } from '../../src/cli/commands/index.ts';
import { commandHelp, generalHelp } from '../../src/cli/help.ts';
import { parseLine } from '../../src/cli/parse.ts';

const commands = await Promise.all(rows.map(loadCommand));
const command = (name: string) => {
  const found = commands.find((c) => c.name === name);
  if (!found) throw new Error(name);
  return found;
};

test('words, options and what follows -- are told apart', () => {
  expect(parseLine(['openrc', '--cpus', '2', '-v', '--', 'ls', '--all'], command('run'))).toEqual({
    words: ['openrc'],
    rest: ['ls', '--all'],
    values: { cpus: '2', verbose: true },
  });
  expect(parseLine(['--tag=a', '--tag', 'b', '-t', 'x'], command('test')).values).toEqual({
    tag: ['a', 'b'],
    tests: 'x',
  });
});

test.each([
  [['--acel', 'kvm'], 'gvm test: unknown option --acel', 'did you mean --accel?'],
  [['--accel'], 'gvm test: --accel needs a value: --accel KIND', undefined],
  [['--accel', 'hvf'], 'gvm test: --accel takes auto, kvm, tcg, found "hvf"', undefined],
  [['--list=yes'], 'gvm test: --list takes no value', undefined],
])('%j is refused', (argv, message, hint) => {
  expect(() => parseLine(argv, command('test'))).toThrow(expect.objectContaining({ code: 'usage', message, hint }));
});

test('every command has help with examples that name it', () => {
  for (const c of commands) {
    const help = commandHelp(c, false);
    expect(help).toContain(`gvm ${c.name}`);
    expect(c.examples.length).toBeGreaterThan(0);
    for (const [line] of c.examples) expect(line).toContain(`gvm ${c.name}`);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(140);
  }
  expect(generalHelp(rows, '1.2.3', false)).toContain('gvm 1.2.3');
});
