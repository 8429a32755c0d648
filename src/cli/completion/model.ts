import type { Command, LoadedCommand, Names } from '../command.ts';
import { globalOptions, type OptionName, type OptionSpec, optionTable } from '../options.ts';

/** What may follow an option or a command: fixed words, names that are asked for, a path, or nothing known. */
export type Values = readonly string[] | Names | 'path' | undefined;

export interface CompletedOption {
  /** `--name`, and `-x` where it has one. */
  flags: string[];
  about: string;
  /** Whether it takes a value. */
  valued: boolean;
  values: Values;
}

export interface CompletedCommand {
  name: string;
  summary: string;
  options: CompletedOption[];
  words: Values;
}

/** What the scripts for shells are made of: the tables of commands and options, nothing of its own. */
export function completions(commands: readonly LoadedCommand[]): CompletedCommand[] {
  return commands.map((command) => ({
    name: command.name,
    summary: command.summary,
    options: [...command.options, ...globalOptions].map(optionOf),
    words: wordsOf(command),
  }));
}

function optionOf(name: OptionName): CompletedOption {
  const { short, value, choices, about }: OptionSpec = optionTable[name];
  return {
    flags: [`--${name}`, ...(short ? [`-${short}`] : [])],
    about,
    valued: value !== undefined,
    values: choices ?? (name === 'image' ? 'images' : /FILE|DIR/.test(value ?? '') ? 'path' : undefined),
  };
}

function wordsOf({ completes, words }: Command): Values {
  return completes ?? (words[1] > 0 ? 'path' : undefined);
}
