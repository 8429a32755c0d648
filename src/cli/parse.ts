import { parseArgs } from 'node:util';
import { nearest } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { LoadedCommand } from './command.ts';
import { globalOptions, type OptionName, type OptionSpec, type OptionValues, optionTable } from './options.ts';

export interface ParsedLine {
  words: string[];
  rest: string[];
  values: OptionValues;
}

/** The options that a command takes, its own and the global ones. */
export function optionsOf(command: LoadedCommand | undefined): OptionName[] {
  return [...(command?.options ?? []), ...globalOptions];
}

/**
 * Parses the words after `gvm` for a command, or for gvm itself.
 * @throws GvmError `usage` with the nearest option's name, for an unknown option or a bad value
 */
export function parseLine(argv: readonly string[], command: LoadedCommand | undefined): ParsedLine {
  const names = optionsOf(command);
  const tokens = tokensOf(argv, names);
  const parsed: ParsedLine = { words: [], rest: [], values: {} };
  let ended = false;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') ended = true;
    else if (token.kind === 'positional') (ended ? parsed.rest : parsed.words).push(token.value);
    else take(parsed.values, token.name, token.rawName, token.value, names, command);
  }
  return parsed;
}

/** The place of the first word that is neither an option of gvm itself nor the value of one; -1 without any. */
export function firstWord(argv: readonly string[]): number {
  return tokensOf(argv, globalOptions).find(({ kind }) => kind === 'positional')?.index ?? -1;
}

function tokensOf(argv: readonly string[], names: readonly OptionName[]) {
  const specs = names.map((name) => [name, optionTable[name] as OptionSpec] as const);
  const options = specs.map(([name, spec]) => [
    name,
    { type: spec.value ? ('string' as const) : ('boolean' as const), ...(spec.short ? { short: spec.short } : {}) },
  ]);
  return parseArgs({ args: [...argv], options: Object.fromEntries(options), strict: false, tokens: true }).tokens;
}

function take(
  values: OptionValues,
  given: string,
  raw: string,
  value: string | undefined,
  names: readonly OptionName[],
  command: LoadedCommand | undefined,
): void {
  const name = names.find((n) => n === given);
  const where = command ? `gvm ${command.name}` : 'gvm';
  if (!name) {
    const guess = nearest(given, names);
    throw new GvmError({
      code: 'usage',
      message: `${where}: unknown option ${raw}`,
      hint: guess ? `did you mean --${guess}?` : `gvm ${command ? `${command.name} ` : ''}--help lists the options`,
    });
  }
  const spec: OptionSpec = optionTable[name];
  if (!spec.value) {
    if (value !== undefined) throw new GvmError({ code: 'usage', message: `${where}: ${raw} takes no value` });
    values[name] = true;
    return;
  }
  if (value === undefined || value === '') {
    throw new GvmError({ code: 'usage', message: `${where}: ${raw} needs a value: ${raw} ${spec.value}` });
  }
  if (spec.choices && !spec.choices.includes(value)) {
    throw new GvmError({
      code: 'usage',
      message: `${where}: ${raw} takes ${spec.choices.join(', ')}, found "${value}"`,
    });
  }
  if (!spec.repeat) values[name] = value;
  else values[name] = [...((values[name] as string[] | undefined) ?? []), value];
}
