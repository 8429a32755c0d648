import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConsoleChannel } from '../../../src/guest/index.ts';

const script = fileURLToPath(new URL('../../../images/openrc/usr/lib/gvm/channel', import.meta.url));

/** Its deadlines are those of an emulated guest: the hosts of tests are busy. */
const SCALE = 4;

/** The responder of the images as a process of this host, over sockets that stand for a guest's ports. */
export interface Responder extends AsyncDisposable {
  channel: ConsoleChannel;
  child: ChildProcess;
  /** gvm's ends of the three ports. */
  ports: [Socket, Socket, Socket];
}

export function startResponder(shell: readonly [string, ...string[]] = ['sh']): Responder {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-responder-'));
  const [program, ...args] = shell;
  // As the service starts it: in a session of its own, so that all its processes can be found and ended here.
  const child = spawn(program, [...args, script, folder], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [control, data, errors] = child.stdio.slice(3) as [Socket, Socket, Socket];
  const channel = new ConsoleChannel({ control, data, errors }, SCALE);
  return {
    channel,
    child,
    ports: [control, data, errors],
    async [Symbol.asyncDispose]() {
      await channel[Symbol.asyncDispose]();
      for (const port of [control, data, errors]) port.destroy();
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
