import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command, Context } from '../command.ts';
import { shippedPipelines } from '../shipped.ts';

const template = (name: string) => readFileSync(new URL(`../templates/${name}`, import.meta.url), 'utf8');

/** The files of a new project; each is written only where nothing has its name. */
function filesOf(context: Context): Record<string, string> {
  const image = context.texts('image')[0] ?? 'openrc';
  return {
    'gvm.yaml': template('gvm.yaml').replace('IMAGE', () => JSON.stringify(image)),
    'suites/first.gvm.yaml': template('first.gvm.yaml'),
    '.github/workflows/gvm.yml': readFileSync(join(shippedPipelines, 'github/test.yml'), 'utf8'),
  };
}

export const init: Command = {
  usage: '',
  about: 'Writes gvm.yaml, a first suite and a workflow of GitHub Actions. A file that exists is left as it is.',
  options: ['image'],
  examples: [
    ['gvm init', 'then: gvm test'],
    ['gvm init --image ./my.qcow2', 'for an image of yours'],
    ['gvm init -C tests/vm', 'in another folder'],
  ],
  words: [0, 0],
  async run(context) {
    const made: string[] = [];
    const left: string[] = [];
    for (const [name, text] of Object.entries(filesOf(context))) {
      const path = join(context.cwd, name);
      await mkdir(dirname(path), { recursive: true });
      const written = existsSync(path) ? false : await writeFile(path, text, { flag: 'wx' }).then(() => true);
      (written ? made : left).push(name);
    }
    context.show({ made, left }, () =>
      [
        ...made.map((name) => `made  ${name}`),
        ...left.map((name) => `left  ${name}, which was there`),
        'next: gvm test',
      ].join('\n'),
    );
    return 0;
  },
};
