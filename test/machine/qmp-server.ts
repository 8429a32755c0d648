import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Request {
  execute: string;
  id: number;
  arguments?: unknown;
}

export interface QmpServer extends AsyncDisposable {
  /** The client's end. */
  client: Socket;
  /** The server's end, to say anything at all. */
  wire: Socket;
  requests: Request[];
}

const GREETING = { QMP: { version: { qemu: { major: 9, minor: 1, micro: 2 } }, capabilities: ['oob'] } };

/** A monitor on a real UNIX socket that answers as the script says; what it returns is sent with the request's id. */
export async function qmpServer(
  script: (request: Request, wire: Socket) => object | undefined,
  greeting: object | string | undefined = GREETING,
): Promise<QmpServer> {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-qmp-'));
  const path = join(folder, 's');
  const requests: Request[] = [];
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = createConnection(path);
  const wire = await accepted;
  wire.on('error', () => {});
  let text = '';
  wire.on('data', (chunk) => {
    text += chunk;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
      const request: Request = JSON.parse(text.slice(0, end));
      text = text.slice(end + 1);
      requests.push(request);
      const answer = request.execute === 'qmp_capabilities' ? { return: {} } : script(request, wire);
      if (answer) wire.write(`${JSON.stringify({ ...answer, id: request.id })}\r\n`);
    }
  });
  if (greeting !== undefined) wire.write(typeof greeting === 'string' ? greeting : `${JSON.stringify(greeting)}\r\n`);
  return {
    client,
    wire,
    requests,
    async [Symbol.asyncDispose]() {
      client.destroy();
      wire.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}
