import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Connection } from 'ssh2';
import type { SshAddress } from '../../src/guest/index.ts';
import { generateLoginKey } from '../../src/guest/index.ts';

/** An SSH server whose commands run on this host, as sshd runs them: it stands for a guest. */
export interface SshServer extends AsyncDisposable {
  address: SshAddress;
  keyPath: string;
  /** How many connections were accepted, and how many sessions were opened on each. */
  connections: number;
  sessions: number;
  most: number;
  /** Ends all connections without a word. */
  drop(): void;
  close(): Promise<void>;
}

export interface SshServerOptions {
  authorized?: string;
  /** Takes this password too: plainly, or in the dialogue of `keyboard-interactive`. */
  password?: { value: string; dialogue?: boolean };
  hostKey?: string;
  port?: number;
}

export async function sshServer(options: SshServerOptions = {}): Promise<SshServer> {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-ssh-'));
  const login = generateLoginKey('test');
  const host = generateLoginKey('host');
  const keyPath = join(folder, 'key');
  writeFileSync(keyPath, login.privateKey, { mode: 0o600 });
  const accepted = ssh2.utils.parseKey(options.authorized ?? login.publicKey);
  if (accepted instanceof Error) throw accepted;
  const open = new Set<Connection>();
  const state = { connections: 0, sessions: 0, most: 0 };
  const server = new ssh2.Server({ hostKeys: [host.privateKey] }, (connection) => {
    state.connections++;
    let sessions = 0;
    open.add(connection);
    connection.on('error', () => {});
    connection.on('close', () => open.delete(connection));
    connection.on('authentication', (context) => {
      const { value, dialogue = false } = options.password ?? {};
      if (context.method === 'password' && value !== undefined && !dialogue) {
        return context.password === value ? context.accept() : context.reject();
      }
      if (context.method === 'keyboard-interactive' && dialogue) {
        return context.prompt([{ prompt: 'Password: ', echo: false }], ([answer]) =>
          answer === value ? context.accept() : context.reject(),
        );
      }
      if (context.method !== 'publickey') {
        return context.reject(dialogue ? ['keyboard-interactive'] : value === undefined ? ['publickey'] : ['password']);
      }
      const same = Array.isArray(accepted) ? false : accepted.getPublicSSH().equals(context.key.data);
      if (same) context.accept();
      else context.reject();
    });
    connection.on('session', (accept, reject) => {
      if (sessions >= 10) return reject();
      const session = accept();
      state.sessions++;
      state.most = Math.max(state.most, ++sessions);
      session.on('pty', (acceptPty) => acceptPty());
      session.on('exec', (acceptExec, _reject, { command }) => {
        const stream = acceptExec();
        const child = spawn('/bin/sh', ['-c', command], { stdio: 'pipe', detached: true });
        stream.pipe(child.stdin);
        child.stdin.on('error', () => {});
        child.stdout.on('data', (chunk) => stream.write(chunk));
        child.stderr.on('data', (chunk) => stream.stderr.write(chunk));
        stream.on('error', () => {});
        stream.on('close', () => {
          sessions--;
          child.stdout.destroy();
          child.stderr.destroy();
        });
        // Like sshd: the exit status is sent when the shell ends, the session closes when its pipes do.
        child.on('exit', (code, signal) => {
          if (signal) stream.exit(signal.replace('SIG', ''), false, '');
          else stream.exit(code ?? 255);
        });
        child.on('close', () => stream.end(() => stream.close()));
      });
      session.on('shell', (acceptShell) => {
        const stream = acceptShell();
        stream.on('data', (chunk: Buffer) => stream.write(`you said ${chunk}`));
        stream.on('end', () => {
          stream.exit(0);
          stream.close();
        });
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const hostPublic = host.publicKey.split(' ').slice(0, 2).join(' ');
  const drop = () => {
    for (const connection of open) connection.end();
  };
  const close = () =>
    new Promise<void>((resolve) => {
      drop();
      server.close(() => resolve());
    });
  return Object.assign(state, {
    keyPath,
    address: { host: '127.0.0.1', port, user: 'root', keyPath, hostKey: hostPublic },
    drop,
    close,
    async [Symbol.asyncDispose]() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}
