import { nearest } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { type Command, loadCommand } from '../command.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { completions } from '../completion/model.ts';
import { nameSources } from '../completion/names.ts';
import { zshScript } from '../completion/zsh.ts';
import { commands } from './index.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

function refuse(word: string | undefined, known: string[]): GvmError {
  const guess = word === undefined ? undefined : nearest(word, known);
  return new GvmError({
    code: 'usage',
    message: word === undefined ? 'gvm completion: the kind of names is missing' : `gvm completion: ${word} is unknown`,
    hint: guess ? `did you mean ${guess}?` : `it takes ${known.join(', ')}`,
  });
}

export const completion: Command = {
  usage: 'bash|zsh|fish',
  about:
    'Completes commands, options and their values, and the names of images, suites and guests. For those the scripts ask\ngvm completion names images|suites|guests.',
  options: [],
  completes: Object.keys(scripts),
  examples: [
    ['source <(gvm completion bash)', 'in ~/.bashrc'],
    ['gvm completion zsh > ~/.zfunc/_gvm', 'in a folder of fpath'],
    ['gvm completion fish | source', 'in ~/.config/fish/config.fish'],
  ],
  words: [1, 2],
  async run(context) {
    const [word = '', kind] = context.words;
    if (word === 'names') {
      const source = Object.entries(nameSources).find(([name]) => name === kind)?.[1];
      if (!source) throw refuse(kind, Object.keys(nameSources));
      // A name of several lines would be two names.
      for (const name of await source(context)) if (!name.includes('\n')) context.print(name);
      return 0;
    }
    const script = Object.entries(scripts).find(([name]) => name === word)?.[1];
    if (!script || kind !== undefined) throw refuse(kind ?? word, Object.keys(scripts));
    context.print(script(completions(await Promise.all(commands.map(loadCommand)))).trimEnd());
    return 0;
  },
};
