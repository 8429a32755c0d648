import { nearest } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { loadPlugins, withPlugins } from '../../plugin/index.ts';
import { builtins } from '../../suite/index.ts';
import type { Command } from '../command.ts';
import { emitSchema, schemaNames } from '../schemas.ts';

export const schema: Command = {
  usage: 'NAME',
  get about() {
    return `NAME is one of: ${schemaNames().join(', ')}.`;
  },
  options: [],
  get completes() {
    return schemaNames();
  },
  examples: [['gvm schema suite > suite.schema.json', 'completion of *.gvm.yaml in an editor']],
  words: [1, 1],
  async run(context) {
    const [name = ''] = context.words;
    const names = schemaNames();
    if (!names.includes(name)) {
      const guess = nearest(name, names);
      throw new GvmError({
        code: 'usage',
        message: `gvm schema: no document is called ${name}`,
        hint: guess ? `did you mean ${guess}?` : `the documents are ${names.join(', ')}`,
      });
    }
    const registry = withPlugins(builtins, await loadPlugins((await context.settings()).plugins));
    context.print(JSON.stringify(emitSchema(name, registry), null, 2));
    return 0;
  },
};
