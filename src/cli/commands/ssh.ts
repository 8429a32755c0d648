import { openSsh } from '../../guest/index.ts';
import type { Command } from '../command.ts';
import { runCommand, runShell } from '../remote.ts';
import { findGuest } from '../running.ts';

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
    await using channel = await openSsh(guest.ssh, { scale: guest.scale });
    return context.rest.length > 0 ? await runCommand(context, channel, guest.scale) : await runShell(channel);
  },
};
