import { createConnection, type Socket } from 'node:net';
import { deferred, serveSocket } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';

/** A guest's serial line, for who attaches to it while gvm reads it too. */
export interface SerialLine {
  /** The last bytes, so that who attaches sees the prompt that waits. */
  recent(): Buffer;
  onBytes(listener: (chunk: Buffer) => void): () => void;
  send(bytes: Buffer): void;
  /** Resolves when the line has ended. */
  readonly ended: Promise<void>;
}

/** What an owner may hold back for one reader before it lets go of it: the guest waits for nobody. */
const MOST_WAITING = 4 * 2 ** 20;
const LONGEST_NAME = 256;

/**
 * Serves serial lines at a socket: a line with the guest's name, then the bytes of the console both ways.
 * @param lineOf the serial line of a guest
 */
export async function serveConsoles(
  path: string,
  lineOf: (guest: string) => SerialLine | undefined,
): Promise<AsyncDisposable> {
  return await serveSocket(path, (socket) => void attach(socket, lineOf));
}

async function attach(socket: Socket, lineOf: (guest: string) => SerialLine | undefined): Promise<void> {
  const named = deferred<{ name: string; rest: Buffer } | undefined>();
  let head = Buffer.alloc(0);
  const read = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(10);
    if (end >= 0) named.resolve({ name: head.toString('utf8', 0, end), rest: head.subarray(end + 1) });
    else if (head.length > LONGEST_NAME) named.resolve(undefined);
  };
  socket.on('data', read);
  socket.on('close', () => named.resolve(undefined));
  const asked = await named.promise;
  socket.off('data', read);
  const line = asked && lineOf(asked.name);
  if (!asked || !line) return void socket.destroy();
  socket.write(line.recent());
  const off = line.onBytes((chunk) => {
    if (socket.writableLength > MOST_WAITING) socket.destroy();
    else socket.write(chunk);
  });
  socket.on('close', off);
  socket.on('data', (chunk: Buffer) => line.send(chunk));
  if (asked.rest.length > 0) line.send(asked.rest);
  void line.ended.then(() => socket.end());
}

/** Attaches to a guest's serial line through its owner. @throws GvmError `channel-closed` where nobody serves it */
export async function connectConsole(path: string, guest: string): Promise<Socket> {
  const socket = createConnection(path);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (cause) => {
      const message = `the owner of guest ${guest} has gone`;
      reject(new GvmError({ code: 'channel-closed', message, cause }));
    });
  });
  socket.on('error', () => {});
  socket.write(`${guest}\n`);
  return socket;
}
