import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunRecord } from '../../src/schema/index.ts';
import { gvm, home, listing, project } from '../e2e/gvm.ts';

const suite = `suite: plain
isolation: fork
tests:
  - name: one
    file: { path: /etc/passwd, exists: true }
`;

const stored = () => listing(join(home, 'checkpoints')).filter((name) => /^[0-9a-f]{64}$/.test(name));

test('a checkpoint serves later runs; a damaged one is made anew, and never used', async () => {
  const at = project({ 'plain.gvm.yaml': suite });
  const run = async () => {
    const { stdout, stderr } = await gvm(['test', 'plain.gvm.yaml', '--json'], { cwd: at.folder });
    return { record: JSON.parse(stdout) as RunRecord, stderr };
  };
  const booted = (record: RunRecord) => record.guests.filter((guest) => guest.checkpoint === undefined).length;
  expect(booted((await run()).record)).toBe(1);
  expect(booted((await run()).record)).toBe(0);
  const [key = ''] = stored();
  flipByte(join(home, 'checkpoints', key, 'memory'), 5 * 2 ** 20);
  const { record, stderr } = await run();
  expect(stderr).toContain('a checkpoint was discarded and is made anew: its memory is not what was written');
  expect(booted(record)).toBe(1);
  expect(record.exitCode).toBe(0);
  const removed = await gvm(['checkpoint', 'remove', key.slice(0, 12), '--json'], { cwd: at.folder });
  expect(JSON.parse(removed.stdout)).toEqual({ removed: [key] });
  expect(readdirSync(join(home, 'checkpoints'))).toEqual([]);
  at.remove();
});

function flipByte(path: string, offset: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, offset);
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, offset);
  closeSync(file);
}
