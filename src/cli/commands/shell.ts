import { join } from 'node:path';
import { type REPLServer, start } from 'node:repl';
import { anySignal } from '../../core/index.ts';
import { openTree, readLayout } from '../../disk/index.ts';
import { asGvmError, renderError } from '../../errors/index.ts';
import { type Command, type Context, type LoadedCommand, loadCommand } from '../command.ts';
import { readKeys } from '../disk/keys.ts';
import { openOutput } from '../disk/output.ts';
import { interruptible, type OpenedImage, openNamed, treeNamed, treeOptions } from '../disk/session.ts';
import { complete } from '../shell/complete.ts';
import { ownWords, ShellSession } from '../shell/session.ts';

/** The commands that work over one image. */
const OFFERED = ['ls', 'tree', 'cat', 'stat', 'find', 'df', 'partitions', 'extract', 'inspect'];

async function offered(): Promise<LoadedCommand[]> {
  const { commands } = await import('./index.ts');
  return await Promise.all(commands.filter(({ name }) => OFFERED.includes(name)).map(loadCommand));
}

/** Reads lines until the end, each after the one before is done. @returns 2 where a line failed and nobody watched */
async function converse(
  context: Context,
  opened: Interruptible,
  commands: readonly LoadedCommand[],
  end: AbortSignal,
): Promise<number> {
  const session = new ShellSession(context, opened, commands);
  const terminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
  const history = join((await context.state()).home, 'shell-history');
  let failed = false;
  let over = false;
  let before: Promise<unknown> = Promise.resolve();
  const server: REPLServer = start({
    prompt: terminal ? session.prompt : '',
    terminal,
    ignoreUndefined: true,
    preview: false,
    eval: (line, _context, _file, done) => {
      before = before.then(async () => {
        if (over) return;
        try {
          opened.begin();
          const code = await session.run(line);
          if (code === undefined) {
            over = true;
            server.close();
          } else if (code !== 0) failed = true;
        } catch (error) {
          failed = true;
          // What Ctrl-C ended says nothing more.
          if (!opened.signal.aborted) process.stderr.write(`${renderError(asGvmError(error))}\n`);
        }
        if (terminal) server.setPrompt(session.prompt);
        done(null, undefined);
      });
    },
    completer: (line: string, done: (error: Error | null, result?: [string[], string]) => void) => {
      complete(line, opened, commands, ownWords).then(
        (result) => done(null, result),
        () => done(null, [[], line]),
      );
    },
  });
  // Words with a dot are those of a JavaScript prompt.
  for (const name of Object.keys(server.commands)) delete (server.commands as Record<string, unknown>)[name];
  server.removeAllListeners('SIGINT');
  server.on('SIGINT', () => {
    opened.interrupt();
    server.clearBufferedCommand();
    process.stdout.write('\n');
    server.displayPrompt();
  });
  if (terminal) server.setupHistory(history, () => {});
  end.addEventListener('abort', () => server.close(), { once: true });
  return new Promise((resolve) => {
    server.on('exit', () => void before.then(() => resolve(failed && !terminal ? 2 : 0)));
  });
}

/** An opened image whose running command Ctrl-C ends without ending the session. */
interface Interruptible extends OpenedImage {
  begin(): void;
  interrupt(): void;
}

async function openImage(context: Context, signal: AbortSignal): Promise<Interruptible & AsyncDisposable> {
  const disk = await openNamed(context, context.words[0] ?? '', signal);
  try {
    const keys = await readKeys(context.texts('key-file'), context.cwd);
    const layout = await readLayout(disk.source, { keys, signal });
    const tree = await openTree(layout, treeNamed(context), signal);
    let current = new AbortController();
    return {
      disk,
      layout,
      tree,
      output: openOutput(process.stdout),
      at: Buffer.from('/'),
      get signal() {
        return anySignal(signal, current.signal);
      },
      begin: () => {
        current = new AbortController();
      },
      interrupt: () => current.abort(new Error('interrupted')),
      [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
    };
  } catch (error) {
    await disk[Symbol.asyncDispose]();
    throw error;
  }
}

export const shell: Command = {
  usage: 'IMAGE',
  about:
    'A prompt over one opened image: the commands for disks without their IMAGE, cd and pwd; paths are taken from where one\nstands, Tab completes commands, options and paths, and lines are remembered. Without a terminal it runs the lines of\nits input, and ends with 2 where one of them failed.',
  options: [...treeOptions],
  completes: 'images',
  examples: [
    ['gvm shell disk.qcow2', 'look around; help lists the commands'],
    ["printf 'cd /etc\\ncat fstab\\n' | gvm shell disk.qcow2", 'several questions, one opening'],
  ],
  words: [1, 1],
  run: (context) =>
    interruptible(async (signal) => {
      await using opened = await openImage(context, signal);
      return await converse(context, opened, await offered(), signal);
    }),
};
