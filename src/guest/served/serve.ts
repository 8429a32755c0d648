import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { serveSocket } from '../../core/index.ts';
import { asGvmError, errorToJson, GvmError } from '../../errors/index.ts';
import type { Channel } from '../channel.ts';
import { kinds, type Request, receive, send } from './frames.ts';

/**
 * Serves channels at a socket in a folder of ours alone: who owns the guests runs the commands of other processes.
 * @param channelOf a channel into a guest, by the guest's name
 */
export async function serveChannels(
  path: string,
  channelOf: (guest: string, kind: Channel['kind']) => Channel | undefined,
): Promise<AsyncDisposable> {
  return await serveSocket(path, (socket) => void answer(socket, channelOf), 'destroy');
}

/** One command of one connection; the caller gives it up by closing the connection. */
async function answer(socket: Socket, channelOf: Parameters<typeof serveChannels>[1]): Promise<void> {
  const gone = new AbortController();
  socket.on('close', () => gone.abort(new Error('the caller has gone')));
  const frames = receive(socket);
  try {
    const first = await frames.next();
    if (first.done || first.value.kind !== kinds.request) return;
    const request = JSON.parse(first.value.payload.toString('utf8')) as Request;
    const channel = channelOf(request.guest, request.channel);
    if (!channel) throw new GvmError({ code: 'guest-unknown', message: `no guest called ${request.guest} runs here` });
    const serve = request.kind === 'start' ? serveStart : serveExec;
    await send(socket, kinds.result, JSON.stringify(await serve(socket, channel, request, frames, gone.signal)));
  } catch (error) {
    await send(socket, kinds.failure, JSON.stringify(errorToJson(asGvmError(error))));
  } finally {
    socket.end();
  }
}

type Frames = ReturnType<typeof receive>;

async function serveExec(socket: Socket, channel: Channel, request: Request, frames: Frames, signal: AbortSignal) {
  // The caller sends nothing more; reading on shows whether it is still there.
  void drain(frames);
  const { command, env, timeout, maxOutput = 0, direct = false } = request;
  let truncated = false;
  const forward = (kind: 17 | 18) => {
    let room = maxOutput;
    return (chunk: Buffer) => {
      if (chunk.length > room) truncated = true;
      if (room > 0) void send(socket, kind, chunk.subarray(0, room));
      room = Math.max(0, room - chunk.length);
    };
  };
  const {
    exitCode,
    signal: ended,
    durationMs,
  } = await channel.exec(command, {
    ...{ env, signal, maxOutput: 0, direct },
    ...(timeout === undefined ? {} : { timeout }),
    onStdout: forward(kinds.stdout),
    onStderr: forward(kinds.stderr),
  });
  return { exitCode, signal: ended, truncated, durationMs };
}

async function drain(frames: Frames): Promise<void> {
  try {
    for await (const _ of frames);
  } catch {}
}

async function serveStart(socket: Socket, channel: Channel, request: Request, frames: Frames, signal: AbortSignal) {
  await using command = await channel.start(request.command, { env: request.env, signal });
  const feeding = (async () => {
    for await (const { kind, payload } of frames) {
      if (kind === kinds.inputEnd) command.stdin.end();
      else if (kind === kinds.input && !command.stdin.destroyed) {
        await new Promise<void>((resolve) => command.stdin.write(payload, () => resolve()));
      }
    }
  })();
  feeding.catch(() => {});
  const pass = async (stream: Readable, kind: 17 | 18) => {
    for await (const chunk of stream as AsyncIterable<Buffer>) await send(socket, kind, chunk);
  };
  const [exit] = await Promise.all([
    command.ended,
    pass(command.stdout, kinds.stdout),
    pass(command.stderr, kinds.stderr),
  ]);
  return exit;
}
