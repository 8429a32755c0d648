import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { WaitingShell } from '../../../src/guest/index.ts';

const responder = readFileSync(new URL('../../../images/openrc/usr/lib/gvm/channel', import.meta.url), 'utf8');

/** The responders that were started from a shell. */
function started(): { pid: number; words: string[] }[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words.includes('gvm-channel') ? [{ pid: Number(pid), words }] : [];
    } catch {
      return [];
    }
  });
}

test.each([['bash -i'], ['busybox sh'], ['dash']])('%s on a terminal starts the responder, whole', async (shell) => {
  const before = new Set(started().map(({ pid }) => pid));
  const env = { ...process.env, PS1: `${randomUUID()}# `, HISTFILE: '/dev/null', TERM: 'vt100' };
  const child = spawn('script', ['--quiet', '--command', shell, '/dev/null'], { env });
  try {
    const port = Duplex.from({ writable: child.stdin, readable: child.stdout });
    await new WaitingShell(port, { user: 'root' }, 1).startResponder(30_000);
    await expect
      .poll(() => started().filter(({ pid }) => !before.has(pid)), { timeout: 10_000 })
      .toContainEqual(expect.objectContaining({ words: ['/bin/sh', '-c', responder.trimEnd(), 'gvm-channel', ''] }));
  } finally {
    // The responder finds no ports here, and ends by itself.
    child.kill();
  }
});

test('a console where nobody is costs the time that was given, and no more', async () => {
  const port = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const began = performance.now();
  await new WaitingShell(port, { user: 'root' }, 0.01).startResponder(200);
  expect(performance.now() - began).toBeGreaterThan(150);
});
