import { GvmError } from '../../errors/index.ts';
import { connectConsole } from '../../lab/index.ts';
import type { Command } from '../command.ts';
import { findGuest } from '../running.ts';

/** Ctrl-], as in telnet and virsh. */
const DETACH = 0x1d;

export const console: Command = {
  usage: '[GUEST]',
  about:
    'GUEST may be left out when only one runs. Ctrl-] leaves the guest running. What the guest prints goes to the terminal as\nit is, control sequences included. Without a terminal the console is printed until the guest ends.',
  options: [],
  examples: [
    ['gvm console', 'the console of the only guest'],
    ['gvm console web-1', 'one of several'],
  ],
  words: [0, 1],
  async run(context) {
    const { name, consoles } = await findGuest(context, context.words[0]);
    const socket = await connectConsole(consoles, name);
    const { stdin, stdout } = process;
    const terminal = stdin.isTTY && stdout.isTTY;
    let detached = false;
    if (terminal) {
      context.log.info(`attached to the serial console of ${name}; Ctrl-] leaves it`);
      stdin.setRawMode(true);
    }
    const onInput = (chunk: Buffer) => {
      const at = terminal ? chunk.indexOf(DETACH) : -1;
      socket.write(at < 0 ? chunk : chunk.subarray(0, at));
      if (at < 0) return;
      detached = true;
      socket.destroySoon();
    };
    stdin.on('data', onInput);
    socket.on('data', (chunk: Buffer) => void stdout.write(chunk));
    await new Promise<void>((resolve) => socket.once('close', resolve));
    stdin.off('data', onInput);
    stdin.pause();
    if (terminal) {
      stdin.setRawMode(false);
      stdout.write('\r\n');
    }
    if (detached) return 0;
    throw new GvmError({ code: 'guest-lost', message: `the serial console of ${name} has ended` });
  },
};
