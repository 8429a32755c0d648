// What a channel is served by, over a UNIX socket: one connection for each command. First the request as a frame of
// JSON, then frames both ways until the server ends the connection. A frame is a byte for its kind, its length as 32
// bits (big-endian), and so many bytes.
import type { Socket } from 'node:net';
import { drained } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';

export const kinds = { request: 1, input: 2, inputEnd: 3, stdout: 17, stderr: 18, result: 19, failure: 20 } as const;

export type FrameKind = (typeof kinds)[keyof typeof kinds];

/** A command as it is asked for. */
export interface Request {
  guest: string;
  /** Which of its channels. */
  channel: 'ssh' | 'console';
  kind: 'exec' | 'start';
  command: string;
  env: Record<string, string>;
  /** Of `exec`: milliseconds, and the bytes of each stream that are sent. */
  timeout?: number;
  maxOutput?: number;
  direct?: boolean;
}

const HEADER = 5;
const LONGEST = 2 ** 20;

/** Sends a frame. @returns resolves when the socket takes more */
export async function send(socket: Socket, kind: FrameKind, payload: Uint8Array | string = ''): Promise<void> {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  for (let from = 0; from === 0 || from < bytes.length; from += LONGEST) {
    const piece = bytes.subarray(from, from + LONGEST);
    const header = Buffer.alloc(HEADER);
    header.writeUInt8(kind, 0);
    header.writeUInt32BE(piece.length, 1);
    if (socket.destroyed) return;
    socket.write(header);
    if (socket.write(piece) || socket.destroyed) continue;
    await drained(socket);
  }
}

/** The frames of a connection, until its end. @throws GvmError `channel-closed` for what is no frame */
export async function* receive(socket: Socket): AsyncGenerator<{ kind: number; payload: Buffer }> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    held = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    while (held.length >= HEADER) {
      const length = held.readUInt32BE(1);
      if (length > LONGEST)
        throw new GvmError({ code: 'channel-closed', message: 'a frame of a served channel is too long' });
      if (held.length < HEADER + length) break;
      yield { kind: held.readUInt8(0), payload: held.subarray(HEADER, HEADER + length) };
      held = held.subarray(HEADER + length);
    }
  }
}
