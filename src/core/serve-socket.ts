import { createServer, type Socket } from 'node:net';

/**
 * Listens at a UNIX socket until it is disposed of; connections that are left then are ended.
 * @param take told of each connection; errors of the connection itself are nobody's
 * @param end how a connection ends: `destroySoon` lets what was written still reach the caller
 */
export async function serveSocket(
  path: string,
  take: (socket: Socket) => void,
  end: 'destroy' | 'destroySoon' = 'destroySoon',
): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    take(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket[end]();
      await closed;
    },
  };
}
