import { nearest, parseBytes, showBytes } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Context, LoadedCommand } from '../command.ts';
import { type OpenedImage, pathIn } from '../disk/session.ts';
import type { OptionName } from '../options.ts';
import { parseLine } from '../parse.ts';
import { splitWords } from './words.ts';

/** What the shell itself knows beside the commands over disks. */
export const ownWords = ['cd', 'pwd', 'help', 'exit'] as const;

/** One line after the other over one opened image. */
export class ShellSession {
  readonly #context: Context;
  readonly #opened: OpenedImage;
  readonly #commands: readonly LoadedCommand[];
  /** The name of the image, as each command is given it. */
  readonly #image: string;

  constructor(context: Context, opened: OpenedImage, commands: readonly LoadedCommand[]) {
    this.#context = context;
    this.#opened = opened;
    this.#commands = commands;
    this.#image = context.words[0] ?? '';
  }

  get prompt(): string {
    return `${showBytes(this.#opened.at)}> `;
  }

  /** @returns the exit code of the line's command; undefined when the session is over @throws GvmError */
  async run(line: string): Promise<number | undefined> {
    const [name, ...rest] = splitWords(line).words;
    switch (name) {
      case undefined:
        return 0;
      case 'exit':
        return undefined;
      case 'pwd':
        this.#context.print(showBytes(this.#opened.at));
        return 0;
      case 'help':
        this.#context.print(this.#help());
        return 0;
      case 'cd':
        await this.#enter(rest[0] ?? '/');
        return 0;
      default:
        return await this.#command(name, rest);
    }
  }

  async #enter(word: string): Promise<void> {
    const { tree, signal } = this.#opened;
    const found = await tree.vfs.resolve(pathIn(this.#opened, parseBytes(word)), { signal });
    if (found.node.stat.type !== 'directory') {
      throw new GvmError({ code: 'usage', message: `${showBytes(found.path)} is no folder` });
    }
    this.#opened.at = found.path;
  }

  async #command(name: string, rest: readonly string[]): Promise<number> {
    const command = this.#commands.find((c) => c.name === name);
    if (!command) {
      const guess = nearest(name, [...this.#commands.map((c) => c.name), ...ownWords]);
      const hint = guess ? `did you mean ${guess}?` : 'help lists the commands';
      throw new GvmError({ code: 'usage', message: `unknown command ${name}`, hint });
    }
    const { words, values } = parseLine(rest, command);
    const [least, most] = command.words;
    if (words.length + 1 < least || words.length + 1 > most) {
      throw new GvmError({ code: 'usage', message: `usage: ${name} ${usageOf(command)}` });
    }
    const json = values.json === true;
    return await command.run({
      ...this.#context,
      words: [this.#image, ...words],
      flag: (option: OptionName) => values[option] === true,
      text: (option) => (typeof values[option] === 'string' ? (values[option] as string) : undefined),
      texts: (option) => (Array.isArray(values[option]) ? (values[option] as string[]) : []),
      color: this.#context.color && !json,
      opened: this.#opened,
    });
  }

  #help(): string {
    const rows = [
      ...this.#commands.map((c) => [
        `${c.name} ${usageOf(c)}`.trim(),
        c.summary.replace(' of an image, offline', '').replace(', offline', ''),
      ]),
      ['cd [PATH]', 'stand in another folder of the image'],
      ['pwd', 'where one stands'],
      ['exit', 'leave'],
    ] as const;
    const width = Math.max(...rows.map(([usage]) => usage.length));
    return rows.map(([usage, about]) => `${usage.padEnd(width)}  ${about}`).join('\n');
  }
}

const usageOf = ({ usage }: LoadedCommand) => usage.replace(/^IMAGE…? ?/, '');
