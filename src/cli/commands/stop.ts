import type { Command } from '../command.ts';
import { ask, findGuest } from '../running.ts';

export const stop: Command = {
  usage: '[GUEST]',
  about: 'GUEST may be left out when only one runs. What the guest wrote is thrown away with its overlay.',
  options: [],
  completes: 'guests',
  examples: [
    ['gvm stop', 'the only one'],
    ['gvm stop web-1', 'one of several'],
  ],
  words: [0, 1],
  async run(context) {
    const { name, broker } = await findGuest(context, context.words[0]);
    const { how } = (await ask(broker, 'stop', { guest: name })) as { how: string };
    context.show({ guest: name, how }, () => `${name} is off (${how})`);
    return 0;
  },
};
