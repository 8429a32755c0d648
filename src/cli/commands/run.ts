import { GvmError } from '../../errors/index.ts';
import { runOwned } from '../../lab/index.ts';
import type { Command } from '../command.ts';
import { runCommand } from '../remote.ts';
import { bootOptions, openSetup } from '../setup.ts';

export const run: Command = {
  usage: 'IMAGE -- CMD…',
  about:
    "The exit code is the command's (128+n for a signal); trouble of gvm's own is 125. --timeout is the command's deadline.",
  options: ['timeout', ...bootOptions],
  completes: 'images',
  examples: [
    ['gvm run openrc -- uname -a', 'words are handed on as they are'],
    ["gvm run openrc -- 'dmesg | tail'", 'a single word is shell text'],
    ['gvm run my.img --format raw -- true', 'does this image boot at all?'],
  ],
  words: [1, 1],
  trouble: 125,
  run(context) {
    if (context.rest.length === 0) {
      throw new GvmError({ code: 'usage', message: 'gvm run: no command given', hint: 'gvm run IMAGE -- CMD' });
    }
    return runOwned(async (ownership) => {
      await using setup = await openSetup(context, ownership);
      const guest = await setup.start(context.words[0] ?? 'default', 'run');
      return await runCommand(context, guest.channel(), guest.scale, ownership.signal);
    });
  },
};
