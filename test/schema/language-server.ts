import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(
  new URL('../../node_modules/yaml-language-server/bin/yaml-language-server', import.meta.url),
);

interface Message {
  id?: number;
  method?: string;
  params?: unknown;
  result?: unknown;
}

export interface Diagnostic {
  message: string;
  range: { start: { line: number; character: number } };
}

/** A YAML language server, as an editor starts it: the Language Server Protocol over its standard streams. */
export class LanguageServer implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams = spawn(process.execPath, [program, '--stdio']);
  readonly #answers = new Map<number, (result: unknown) => void>();
  readonly #diagnostics = new Map<string, (diagnostics: Diagnostic[]) => void>();
  #rest: Buffer = Buffer.alloc(0);
  #id = 0;

  /** @param schema where the schema of all suites stands */
  static async start(schema: string): Promise<LanguageServer> {
    const server = new LanguageServer();
    server.#child.stdout.on('data', (chunk: Buffer) => server.#receive(chunk, schema));
    const capabilities = {
      textDocument: {
        completion: { completionItem: {} },
        hover: { contentFormat: ['markdown'] },
        publishDiagnostics: {},
      },
      workspace: { configuration: true, didChangeConfiguration: {} },
    };
    await server.request('initialize', { processId: process.pid, rootUri: null, capabilities });
    server.notify('initialized', {});
    server.notify('workspace/didChangeConfiguration', { settings: settingsOf(schema) });
    return server;
  }

  /** Opens a document. @returns what the server finds wrong with it */
  async open(uri: string, text: string): Promise<Diagnostic[]> {
    const found = new Promise<Diagnostic[]>((resolve) => this.#diagnostics.set(uri, resolve));
    this.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text } });
    return await found;
  }

  request(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#id;
    this.#send({ id, method, params });
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  notify(method: string, params: unknown): void {
    this.#send({ method, params });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill();
    await gone;
  }

  #send(message: Message): void {
    this.#child.stdin.write(frame(message));
  }

  #receive(chunk: Buffer, schema: string): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const end = this.#rest.indexOf('\r\n\r\n');
      const length = Number(/Content-Length: (\d+)/.exec(this.#rest.toString('latin1', 0, Math.max(end, 0)))?.[1]);
      if (end < 0 || this.#rest.length < end + 4 + length) return;
      const message = JSON.parse(this.#rest.toString('utf8', end + 4, end + 4 + length)) as Message;
      this.#rest = this.#rest.subarray(end + 4 + length);
      this.#take(message, schema);
    }
  }

  #take({ id, method, params, result }: Message, schema: string): void {
    if (method === undefined && id !== undefined) {
      this.#answers.get(id)?.(result);
      this.#answers.delete(id);
    } else if (method === 'textDocument/publishDiagnostics') {
      const { uri, diagnostics } = params as { uri: string; diagnostics: Diagnostic[] };
      this.#diagnostics.get(uri)?.(diagnostics);
    } else if (id !== undefined) {
      // The server asks for its configuration section by section, and registers what it can do.
      const items = (params as { items?: { section?: string }[] } | null)?.items;
      const answer = items?.map(({ section }) => (section === 'yaml' ? settingsOf(schema).yaml : {})) ?? null;
      this.#send({ id, result: answer });
    }
  }
}

function settingsOf(schema: string) {
  return {
    yaml: {
      schemas: { [schema]: '*.gvm.yaml' },
      completion: true,
      hover: true,
      validate: true,
      schemaStore: { enable: false },
    },
  };
}

function frame(message: Message): string {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
