// Drives a headless Chromium over its pipe (Chrome DevTools Protocol, JSON messages that end with a NUL byte).
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { mark } from './gvm.ts';

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** A page under control: what it asked for and complained about is collected from the start. */
export interface Page {
  /** Addresses that were requested, the page's own first. */
  requests: string[];
  /** Messages of the console, exceptions, violations of the policy. */
  complaints: string[];
  call(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  open(url: string): Promise<void>;
  key(key: string): Promise<void>;
}

export class Chromium implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Map<string, (message: Message) => void>();
  readonly #ended: Promise<Message>;
  #last = 0;

  constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), 'gvm-chromium-'));
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const args = ['--headless=new', '--remote-debugging-pipe', '--disable-gpu', '--no-first-run', ...sandbox];
    this.#child = spawn('chromium', [...args, `--user-data-dir=${this.#profile}`], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: this.#profile, ...Object.fromEntries([mark.split('=')]) },
    });
    this.#ended = new Promise((resolve) => {
      const end = () => resolve({ error: { message: 'Chromium ended' } });
      this.#child.once('exit', end).once('error', end);
    });
    let rest = '';
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (rest + chunk).split('\0');
      rest = messages.pop() ?? '';
      for (const text of messages) this.#take(JSON.parse(text));
    });
  }

  #take(message: Message & { sessionId?: string }): void {
    if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    else if (message.sessionId) this.#listeners.get(message.sessionId)?.(message);
  }

  async #call(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#last;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { error, result = {} } = await Promise.race([answer, this.#ended]);
    this.#waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  async page(width: number, height: number): Promise<Page> {
    const { targetId } = await this.#call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#call('Target.attachToTarget', { targetId, flatten: true });
    const call = (method: string, params = {}) => this.#call(method, params, String(sessionId));
    const requests: string[] = [];
    const complaints: string[] = [];
    let loaded = () => {};
    this.#listeners.set(String(sessionId), ({ method, params = {} }) => {
      if (method === 'Page.loadEventFired') loaded();
      else if (method === 'Network.requestWillBeSent') requests.push((params.request as { url: string }).url);
      else if (method === 'Log.entryAdded') complaints.push((params.entry as { text: string }).text);
      else if (method === 'Runtime.consoleAPICalled' || method === 'Runtime.exceptionThrown')
        complaints.push(JSON.stringify(params));
    });
    for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await call(`${domain}.enable`);
    await call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 500 });
    return {
      requests,
      complaints,
      call,
      evaluate: async (expression) => {
        const { result, exceptionDetails } = await call('Runtime.evaluate', {
          expression,
          returnByValue: true,
          awaitPromise: true,
        });
        if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
        return (result as { value?: unknown }).value;
      },
      open: async (url) => {
        const done = new Promise<void>((resolve) => {
          loaded = resolve;
        });
        await call('Page.navigate', { url });
        await done;
      },
      key: async (key) => {
        const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
        await call('Input.dispatchKeyEvent', { type: 'keyDown', key, ...(text === undefined ? {} : { text }) });
        await call('Input.dispatchKeyEvent', { type: 'keyUp', key });
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#call('Browser.close').catch(() => this.#child.kill('SIGKILL'));
    await this.#ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
