import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { monotonic } from '../../src/core/index.ts';
import { SerialLog } from '../../src/guest/index.ts';

let folder: string;
let line: PassThrough;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-serial-'));
  line = new PassThrough();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string) => readFileSync(join(folder, name), 'utf8');

function open(limit?: number, onTrouble: (message: string) => void = () => {}): SerialLog {
  const paths = { rawPath: join(folder, 'raw'), logPath: join(folder, 'log') };
  const log = new SerialLog({ ...paths, began: monotonic(), onTrouble, ...(limit === undefined ? {} : { limit }) });
  log.attach(line);
  return log;
}

test('keeps the bytes as they came, and lines with times in which nothing controls a terminal', async () => {
  const log = open();
  const bytes = 'one\r\n\u001b[31mtwo\u001b[0m\u0007\r\nlogin: ';
  line.write(bytes);
  await expect.poll(() => log.waiting?.text).toBe('login: ');
  expect(log.tail(2)).toEqual(['two\\x07', 'login:']);
  await log[Symbol.asyncDispose]();
  expect(file('raw')).toBe(bytes);
  expect(file('log')).toMatch(/^ +0\.\d{3} one\n +0\.\d{3} two\\x07\n +0\.\d{3} login:\n$/);
});

test('keeps the beginning and the end of what never stops', async () => {
  const log = open(1000);
  line.write('the beginning\n');
  for (let i = 0; i < 100; i++) line.write(`${'x'.repeat(65_535)}\n`);
  line.write('the end\n');
  await log.waitFor(/^the end$/, { timeout: 5000 });
  await log[Symbol.asyncDispose]();
  expect(file('raw')).toMatch(/^the beginning\n.*\[gvm: \d+ bytes are left out here\].*the end\n$/s);
  expect(file('raw').length).toBeLessThan(1.3 * 2 ** 20);
});

test('finds lines that are past and lines to come, and says what it last saw when there is none', async () => {
  await using log = open();
  line.write('past\n');
  await expect.poll(() => log.tail(1)).toEqual(['past']);
  expect((await log.waitFor(/past/, { timeout: 10 })).text).toBe('past');
  const coming = log.waitFor(/com(e|ing)/, { timeout: 5000 });
  line.write('coming\n');
  expect((await coming).text).toBe('coming');
  await expect(log.waitFor(/never/, { timeout: 50 })).rejects.toMatchObject({
    code: 'deadline',
    message: expect.stringContaining('it last showed: coming'),
  });
  await expect(log.waitFor(/never/, { timeout: 5000, signal: AbortSignal.timeout(30) })).rejects.toThrow(/timeout/i);
});

test('a disk that cannot be written is told once and does not stop the guest', async () => {
  const troubles: string[] = [];
  rmSync(folder, { recursive: true });
  const log = open(undefined, (message) => troubles.push(message));
  for (let i = 0; i < 10; i++) line.write(`line ${i}\n`);
  await log.waitFor(/line 9/, { timeout: 5000 });
  await expect.poll(() => troubles.length).toBe(2);
  line.write('more\n');
  await log[Symbol.asyncDispose]();
  expect(troubles).toHaveLength(2);
});
