// The broker: JSON lines over a UNIX socket in the run's own 0700 folder. A request is {id, method, params}, an answer
// {id, result} or {id, error: {code, message, hint}}.
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type Deferred, deferred, serveSocket } from '../core/index.ts';
import { asGvmError, catalogue, type ErrorCode, errorToJson, GvmError } from '../errors/index.ts';

/** What a broker answers. A handler's signal is aborted when the caller has gone. */
export type BrokerHandlers = Readonly<Record<string, (params: unknown, signal: AbortSignal) => Promise<unknown>>>;

const LONGEST_PATH = 107;
const LONGEST_LINE = 2 ** 20;

interface Answer {
  id: number;
  result?: unknown;
  error?: { code: string; message: string; hint?: string };
}

/**
 * Serves requests at a socket until it is disposed of.
 * @throws GvmError `host-resource` where the path is too long for a socket
 */
export async function serveBroker(path: string, handlers: BrokerHandlers): Promise<AsyncDisposable> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new GvmError({
      code: 'host-resource',
      message: `the socket path ${path} is longer than ${LONGEST_PATH} bytes`,
    });
  }
  return await serveSocket(path, (socket) => answerRequests(socket, handlers));
}

function answerRequests(socket: Socket, handlers: BrokerHandlers): void {
  const gone = new AbortController();
  socket.on('close', () => gone.abort(new Error('the caller has gone')));
  eachLine(socket, async (line) => {
    const { id, method, params } = line as { id: number; method: string; params: unknown };
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
    const answer: Answer = { id };
    try {
      if (!handler) throw new GvmError({ code: 'usage', message: `the broker has no method ${method}` });
      answer.result = (await handler(params, gone.signal)) ?? null;
    } catch (error) {
      answer.error = errorToJson(asGvmError(error)) as NonNullable<Answer['error']>;
    }
    if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
  });
}

/** A connection to a broker. */
export interface BrokerClient extends AsyncDisposable {
  /** @throws GvmError as the broker's handler threw it, `channel-closed` when the owner has gone; the signal's reason */
  call(method: string, params?: unknown, signal?: AbortSignal): Promise<unknown>;
}

/** Connects to the broker at a socket. @throws GvmError `channel-closed` where nobody listens */
export async function connectBroker(path: string): Promise<BrokerClient> {
  const socket = createConnection(path);
  const waiting = new Map<number, Deferred<unknown>>();
  const closed = (cause?: unknown) =>
    new GvmError({ code: 'channel-closed', message: `the owner of the guests at ${path} has gone`, cause });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(closed(error)));
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(closed());
    waiting.clear();
  });
  eachLine(socket, async (line) => {
    const { id, result, error } = line as Answer;
    const request = waiting.get(id);
    waiting.delete(id);
    if (error) request?.reject(revive(error));
    else request?.resolve(result);
  });
  let count = 0;
  return {
    async call(method, params, signal) {
      signal?.throwIfAborted();
      if (socket.destroyed) throw closed();
      const id = ++count;
      const answer = deferred<unknown>();
      waiting.set(id, answer);
      const onAbort = () => answer.reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      socket.write(`${JSON.stringify({ id, method, params })}\n`);
      try {
        return await answer.promise;
      } finally {
        waiting.delete(id);
        signal?.removeEventListener('abort', onAbort);
      }
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

function revive({ code, message, hint }: NonNullable<Answer['error']>): GvmError {
  return new GvmError({ code: code in catalogue ? (code as ErrorCode) : 'internal', message, hint });
}

/** Calls back with each line of JSON; a line that is too long or no JSON ends the connection. */
function eachLine(socket: Socket, take: (value: unknown) => Promise<void>): void {
  let length = 0;
  socket.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(10);
    length = end >= 0 ? chunk.length - end - 1 : length + chunk.length;
    if (length > LONGEST_LINE) socket.destroy();
  });
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
  // It repeats the errors of its socket, of which the socket's own listeners take care.
  lines.on('error', () => {});
  lines.on('line', (line) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      socket.destroy();
      return;
    }
    void take(value);
  });
}
