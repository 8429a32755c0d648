import pc from 'picocolors';
import type { CommandRow, LoadedCommand } from './command.ts';
import { globalOptions, type OptionName, type OptionSpec, optionTable } from './options.ts';

const bold = (text: string, color: boolean) => (color ? pc.createColors(true).bold(text) : text);

function optionLines(names: readonly OptionName[]): string[] {
  return names.map((name) => {
    const spec: OptionSpec = optionTable[name];
    const flags = `${spec.short ? `-${spec.short}, ` : '    '}--${name}${spec.value ? ` ${spec.value}` : ''}`;
    return `  ${flags.padEnd(28)} ${spec.about}`;
  });
}

/** The help of one command: usage, options, examples. */
export function commandHelp(command: LoadedCommand, color: boolean): string {
  const lines = [`${bold('gvm', color)} ${command.name} ${command.usage}`.trimEnd(), '', command.summary];
  if (command.about) lines.push('', command.about);
  if (command.options.length > 0) lines.push('', bold('options', color), ...optionLines(command.options));
  lines.push('', bold('everywhere', color), ...optionLines(globalOptions));
  lines.push('', bold('examples', color), ...command.examples.map(([line, what]) => `  ${line.padEnd(44)} ${what}`));
  return lines.join('\n');
}

/** The help of gvm itself: all commands, a line each. */
export function generalHelp(commands: readonly CommandRow[], version: string, color: boolean): string {
  return [
    `${bold('gvm', color)} ${version}: tests for VM images`,
    '',
    'gvm COMMAND [WORDS] [OPTIONS]',
    '',
    bold('commands', color),
    ...commands.map((command) => `  ${command.name.padEnd(12)} ${command.summary}`),
    '',
    bold('everywhere', color),
    ...optionLines(globalOptions),
    '',
    bold('exit codes', color),
    '  0 all well, 1 a check failed, 2 usage or bad input, 3 the guest, 4 host or tool, 130 and 143 interrupted',
    '',
    'gvm COMMAND --help shows the options and examples of a command.',
  ].join('\n');
}
