import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const cli = join(repository, 'dist/cli.js');

/** The store that `npm start` fills too, so that the default image is built once. */
const store = process.env.GVM_HOME || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gvm');

const state = mkdtempSync(join(tmpdir(), 'gvm-e2e-state-'));
/** State folders of this test file, so that files may run side by side; what is slow to make is that of the store. */
export const home = join(state, 'home');
const runtime = join(state, 'runtime');
const shared = ['images', 'packages', 'kernels', 'busybox', 'test-packages'];
for (const folder of [home, runtime, ...shared.map((name) => join(store, name))])
  mkdirSync(folder, { recursive: true });
for (const name of shared) symlinkSync(join(store, name), join(home, name));
const proof = join(store, 'accelerator.json');
if (existsSync(proof)) copyFileSync(proof, join(home, 'accelerator.json'));
afterAll(() => rmSync(state, { recursive: true, force: true }));

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  pid: number;
  done: Promise<Finished>;
  kill(signal: NodeJS.Signals): void;
  /** Types at its terminal, where it has one. */
  type(text: string): void;
  /** Resolves when what was printed so far matches; rejects when the process ends without it. */
  said(pattern: RegExp): Promise<void>;
}

export interface GvmOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Gives it a terminal, by script(1); errors come there too. */
  terminal?: boolean;
}

const ownState = { GVM_HOME: home, XDG_RUNTIME_DIR: runtime };

/** Starts the built command line as a user would. */
export function start(
  args: readonly string[],
  { cwd = repository, env = {}, terminal = false }: GvmOptions = {},
): Started {
  const direct = [process.execPath, cli, ...args];
  const quoted = direct.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const [program = '', ...words] = terminal
    ? ['script', '--quiet', '--return', '--command', quoted, '/dev/null']
    : direct;
  const child = spawn(program, words, {
    cwd,
    env: { ...process.env, ...ownState, NO_COLOR: '1', CI: '', ...Object.fromEntries([mark.split('=')]), ...env },
    stdio: 'pipe',
  });
  if (!terminal) child.stdin.end();
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    for (const check of waiting) check();
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    for (const check of waiting) check();
  });
  const done = new Promise<Finished>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    pid: child.pid ?? 0,
    done,
    kill: (signal) => void child.kill(signal),
    type: (text) => void child.stdin.write(text),
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (!pattern.test(stdout + stderr)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
        void done.then(() => reject(new Error(`gvm ended without saying ${pattern}:\n${stdout}\n${stderr}`)));
      }),
  };
}

/** Runs the built command line to its end. */
export function gvm(args: readonly string[], options?: GvmOptions): Promise<Finished> {
  return start(args, options).done;
}

/** A folder with files, removed by `remove`. A `.git` folder makes it a repository root. */
export function project(files: Record<string, string>): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-e2e-'));
  mkdirSync(join(folder, '.git'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Every process that this test started, itself or through gvm, has this in its environment. */
export const mark = `GVM_TEST_MARK=${randomUUID()}`;

/** The processes that carry the mark, as `pid command`, once none is left or the time is over. */
export async function survivors(within = 5000, marked = mark): Promise<string[]> {
  const deadline = performance.now() + within;
  for (;;) {
    const alive = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(marked)) return [];
          return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 120)}`];
        } catch {
          return [];
        }
      });
    if (alive.length === 0 || performance.now() > deadline) return alive;
    await pause(50);
  }
}

/** Everything below a folder, for before-and-after comparisons. */
export function listing(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true }).map(String).sort();
  } catch {
    return [];
  }
}

/** The sha256 of a file, by the system's own tool. */
export function sha256(file: string): string {
  return execFileSync('sha256sum', [file], { encoding: 'utf8' }).split(' ')[0] ?? '';
}
