import type { Settings, StateFolders } from '../config/index.ts';
import type { Log } from '../core/index.ts';
import type { OpenedImage } from './disk/session.ts';
import type { OptionName } from './options.ts';

/** What a command gets besides its words: parsed options, where to write, and what surrounds it. */
export interface Context {
  /** Positional words after the command's name. */
  words: string[];
  /** What follows `--`. */
  rest: string[];
  flag(name: OptionName): boolean;
  text(name: OptionName): string | undefined;
  texts(name: OptionName): string[];
  /** Working directory, `-C` applied. */
  cwd: string;
  /** Both load the room of configuration, which many commands can do without. */
  settings(): Promise<Settings>;
  state(): Promise<StateFolders>;
  log: Log;
  /** Whether colours are wanted on standard output. */
  color: boolean;
  verbosity: number;
  /** Writes a line to standard output. */
  print(line: string): void;
  /** The image that a session has opened: commands over disks work in it, from where one stands. */
  opened?: OpenedImage;
  /** Prints a value: as one JSON document under `--json`, else as the text that `render` makes of it. */
  show<T>(value: T, render: (value: T) => string): void;
}

/** A row of the table of commands: enough for the list in help, without loading the command. */
export interface CommandRow {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  load(): Promise<Command>;
}

/** A command that was loaded, with its name. */
export type LoadedCommand = Command & Pick<CommandRow, 'name' | 'summary'>;

export async function loadCommand({ name, summary, load }: CommandRow): Promise<LoadedCommand> {
  return { name, summary, ...(await load()) };
}

/** Names that completion asks gvm for. */
export type Names = 'images' | 'suites' | 'guests';

/** One command: what it takes and what it does. */
export interface Command {
  /** Positional words as help shows them, for example `[PATH…]`. */
  usage: string;
  /** More than the summary, where that is needed. */
  about?: string;
  options: readonly OptionName[];
  examples: readonly (readonly [command: string, what: string])[];
  /** What its positional words may be, for completion; paths where it is not given. */
  completes?: readonly string[] | Names;
  /** Least and most positional words; what follows `--` is not counted. */
  words: readonly [least: number, most: number];
  /** The exit code of gvm's own trouble, for a command that hands on another program's code. */
  trouble?: number;
  /** @returns the exit code of design §4 */
  run(context: Context): Promise<number>;
}
