import { GvmError } from '../../errors/index.ts';
import type { Command } from '../command.ts';
import { runCommand, runShell } from '../remote.ts';
import { enter, findGuest } from '../running.ts';

export const ssh: Command = {
  usage: '[GUEST] [-- CMD…]',
  about:
    "GUEST may be left out when only one runs. The exit code is the command's (128+n for a signal); trouble of gvm's own is 125.",
  options: ['timeout'],
  completes: 'guests',
  examples: [
    ['gvm ssh', 'a shell in the only guest'],
    ['gvm ssh web-1 -- dmesg', 'one command'],
  ],
  words: [0, 1],
  trouble: 125,
  async run(context) {
    const guest = await findGuest(context, context.words[0]);
    if (!guest.ssh && context.rest.length === 0) {
      throw new GvmError({
        code: 'usage',
        message: `${guest.name} has no network to log in by`,
        hint: `gvm console ${guest.name} enters its serial console; gvm ssh ${guest.name} -- CMD runs a command`,
      });
    }
    await using channel = await enter(guest);
    return context.rest.length > 0 ? await runCommand(context, channel, guest.scale) : await runShell(channel);
  },
};
