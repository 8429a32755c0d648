import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { createLog, nearest, withoutCommands } from '../core/index.ts';
import { asGvmError, errorToJson, GvmError, renderError } from '../errors/index.ts';
import { type CommandRow, type Context, type LoadedCommand, loadCommand } from './command.ts';
import { commands } from './commands/index.ts';
import { commandHelp, generalHelp } from './help.ts';
import type { OptionName, OptionValues } from './options.ts';
import { firstWord, type ParsedLine, parseLine } from './parse.ts';
import { shippedImages } from './shipped.ts';
import { version } from './version.ts';

/** What a guest said may not command the runner of GitHub. */
const fit = process.env.GITHUB_ACTIONS ? withoutCommands : (line: string) => line;

/** One JSON document, in which the runner of GitHub finds no command either, and every reader the same data. */
function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll('##[', '#\\u0023[');
}

/**
 * Runs one command line.
 * @param argv the words after `gvm`
 * @returns the exit code of design §4; every trouble is printed as one message, never thrown
 */
export async function main(argv: readonly string[]): Promise<number> {
  let trouble: number | undefined;
  try {
    const { command, parsed } = await select(argv);
    trouble = command?.trouble;
    const color = wantsColor(parsed.values, process.stdout);
    if (parsed.values.version) {
      console.log(version());
      return 0;
    }
    if (!command || parsed.values.help) {
      console.log(command ? commandHelp(command, color) : generalHelp(commands, version(), color));
      return command || parsed.values.help ? 0 : 2;
    }
    checkWords(command, parsed);
    return await command.run(createContext(parsed));
  } catch (thrown) {
    const error = asGvmError(thrown);
    if (argv.includes('--json')) console.log(jsonText({ error: errorToJson(error) }));
    console.error(fit(renderError(error)));
    return trouble ?? error.exitCode;
  }
}

interface Selected {
  command: LoadedCommand | undefined;
  parsed: ParsedLine;
}

/** The command is the first word that is no option; the options before it are global ones. */
async function select(argv: readonly string[]): Promise<Selected> {
  const rowOf = (word: string | undefined) => commands.find(({ name }) => name === word);
  const selected = async (row: CommandRow, others: readonly string[]): Promise<Selected> => {
    const command = await loadCommand(row);
    return { command, parsed: parseLine(others, command) };
  };
  const at = firstWord(argv);
  const word = argv[at];
  if (word === undefined) return { command: undefined, parsed: parseLine(argv, undefined) };
  const row = rowOf(word);
  if (row) return await selected(row, [...argv.slice(0, at), ...argv.slice(at + 1)]);
  // An option of no command at all is what is wrong, not the value behind it.
  parseLine(argv.slice(0, at), undefined);
  const guess = nearest(
    word,
    commands.map(({ name }) => name),
  );
  throw new GvmError({
    code: 'usage',
    message: `gvm: unknown command ${word}`,
    hint: guess ? `did you mean gvm ${guess}?` : 'gvm --help lists the commands',
  });
}

function checkWords(command: LoadedCommand, { words, rest }: ParsedLine): void {
  const [least, most] = command.words;
  if (words.length >= least && words.length <= most && (rest.length === 0 || command.usage.includes('--'))) return;
  throw new GvmError({
    code: 'usage',
    message: `gvm ${command.name}: ${words.length < least ? 'too few words' : 'too many words'}`,
    hint: `usage: gvm ${command.name} ${command.usage}`,
  });
}

function wantsColor(values: OptionValues, stream: NodeJS.WriteStream): boolean {
  if (values.color === 'always') return true;
  if (values.color === 'never' || values.json) return false;
  if (process.env.NO_COLOR) return false;
  return Boolean(stream.isTTY) && process.env.TERM !== 'dumb';
}

function createContext({ words, rest, values }: ParsedLine): Context {
  const text = (name: OptionName) => (typeof values[name] === 'string' ? values[name] : undefined);
  const cwd = resolve(text('directory') ?? '.');
  if (!existsSync(cwd) || !statSync(cwd).isDirectory()) {
    throw new GvmError({ code: 'file-missing', message: `no such folder: ${cwd}` });
  }
  const verbosity = values.quiet ? -1 : values.verbose ? 1 : 0;
  const print = (line: string) => void process.stdout.write(`${fit(line)}\n`);
  return {
    words,
    rest,
    cwd,
    flag: (name) => values[name] === true,
    text,
    texts: (name) => (Array.isArray(values[name]) ? values[name] : []),
    settings: async () => {
      const { findProject, resolveSettings } = await import('../config/index.ts');
      return resolveSettings(findProject(cwd, text('config')), cwd, shippedImages, process.env);
    },
    state: async () => (await import('../config/state.ts')).openStateFolders(),
    log: createLog((line) => void process.stderr.write(`${fit(line)}\n`), verbosity),
    color: wantsColor(values, process.stdout),
    verbosity,
    print,
    show: (value, render) => print(values.json ? jsonText(value) : render(value)),
  };
}
