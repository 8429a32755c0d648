import { spawn } from 'node:child_process';
import { openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { deferred, formatDuration, parseDuration, within } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { serveChannels } from '../../guest/index.ts';
import { controlHandlers, type Guest, type Ownership, runOwned, serveBroker, serveConsoles } from '../../lab/index.ts';
import { scratchFolder } from '../../process/index.ts';
import type { Command, Context } from '../command.ts';
import { bootOptions, openSetup } from '../setup.ts';

const DEFAULT_LIFE = '8h';

function lifeOf(context: Context): number {
  const text = context.text('timeout') ?? DEFAULT_LIFE;
  const life = parseDuration(text);
  if (life !== undefined) return life;
  throw new GvmError({ code: 'usage', message: `gvm boot: --timeout: "${text}" is no duration` });
}

/** Owns a guest until it ends, its time is over, or a signal comes. */
async function own(context: Context, ownership: Ownership): Promise<number> {
  const life = lifeOf(context);
  await using setup = await openSetup(context, ownership);
  const stopped = deferred<string>();
  const handlers = controlHandlers(setup.lab, ({ name }) => stopped.resolve(`${name} was stopped`));
  await using _broker = await serveBroker(setup.lab.brokerPath, handlers);
  const guestOf = (name: string) => setup.lab.guests.find((one) => one.name === name);
  await using _channels = await serveChannels(setup.lab.channelsPath, (name) => guestOf(name)?.console);
  await using _consoles = await serveConsoles(setup.lab.consolesPath, (name) => guestOf(name)?.serialLine);
  const guest = await awaited(() => setup.start(context.words[0] ?? 'default', context.text('name') ?? 'guest'));
  announce(context, guest);
  const over = await within(Promise.race([guest.lost, stopped.promise]), life, ownership.signal);
  if (over !== undefined && typeof over !== 'string') throw over;
  context.log.info(over ?? `the life of ${guest.name}, ${formatDuration(life)}, is over`);
  return 0;
}

function announce(context: Context, guest: Guest): void {
  const { sshMs, readyMs } = guest.boot;
  context.show({ guest: guest.name, pid: guest.pid, ssh: guest.ssh, boot: guest.boot }, () =>
    [
      `${guest.name} is ready after ${formatDuration(readyMs ?? sshMs ?? 0)}`,
      `enter it with: gvm ${guest.ssh ? 'ssh' : 'console'} ${guest.name}`,
      'Ctrl-C ends it',
    ].join('\n'),
  );
  process.send?.('ready');
}

/** What somebody waits for in the foreground, where this process is in the background: it ends with the one who waits. */
async function awaited<T>(start: () => Promise<T>): Promise<T> {
  const abandoned = () => process.kill(process.pid, 'SIGTERM');
  process.once('disconnect', abandoned);
  try {
    return await start();
  } finally {
    process.off('disconnect', abandoned);
  }
}

/** Starts the same owner in the background and waits until its guest is ready. */
async function detach({ signal, atOnce }: Ownership): Promise<number> {
  const folder = scratchFolder();
  const file = join(folder, 'output');
  try {
    const output = openSync(file, 'w', 0o600);
    const args = process.argv.slice(1).filter((word) => word !== '--detach');
    const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', output, output, 'ipc'] });
    // A terminal sends its Ctrl-C to the foreground alone.
    const end = () => child.kill('SIGTERM');
    atOnce(end);
    signal.addEventListener('abort', end);
    const code = await new Promise<number>((resolve) => {
      child.once('message', () => resolve(0));
      child.once('exit', (status) => resolve(status ?? 1));
    });
    const said = readFileSync(file, 'utf8').trimEnd().replace('Ctrl-C ends it', 'gvm stop ends it');
    (code === 0 ? process.stdout : process.stderr).write(`${said}\n`);
    child.disconnect();
    child.unref();
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const boot: Command = {
  usage: 'IMAGE',
  about: `--timeout is the guest's life (default ${DEFAULT_LIFE}). With --detach the owner stays in the background until gvm stop.`,
  options: ['name', 'detach', 'timeout', ...bootOptions],
  completes: 'images',
  examples: [
    ['gvm boot openrc', 'the default image'],
    ['gvm boot openrc --firmware uefi', 'through OVMF and its boot loader'],
    ['gvm boot ./my.qcow2 --detach', 'in the background; gvm ssh enters it, gvm stop ends it'],
  ],
  words: [1, 1],
  run: (context) => runOwned((ownership) => (context.flag('detach') ? detach(ownership) : own(context, ownership))),
};
