import { expect, test } from 'vitest';
import type { BootRecord } from '../../src/schema/index.ts';
import { bootTimeCheck, timesOf } from '../../src/suite/checks/boot-time.ts';
import { localChannel } from '../facts/local-channel.ts';
import { expect_ } from './judge.ts';

const boot: BootRecord = {
  outcome: 'ready',
  stages: [
    { stage: 'qemu', atMs: 0 },
    { stage: 'firmware', atMs: 100 },
    { stage: 'loader', atMs: 900 },
    { stage: 'kernel', atMs: 1500 },
    { stage: 'initrd', atMs: 3500 },
    { stage: 'init', atMs: 5000 },
  ],
  sshMs: 9000,
  readyMs: 12_000,
};

test('the phases that the host saw last until the next one', () => {
  expect(timesOf(boot)).toEqual({
    firmware: 800,
    loader: 600,
    kernel: 2000,
    initrd: 1500,
    userspace: 7000,
    ssh: 9000,
    total: 12_000,
  });
  const direct = { ...boot, stages: boot.stages.filter((s) => ['qemu', 'kernel', 'init'].includes(s.stage)) };
  expect(timesOf(direct)).toMatchObject({ firmware: undefined, loader: undefined, kernel: 3500, initrd: undefined });
  expect(timesOf(undefined)).toEqual({});
});

/** What the check says on this host, whose own boot is no guest's. */
async function evaluate(declaration: object, scale: number, seen?: BootRecord): Promise<string[]> {
  const parsed = bootTimeCheck.schema(expect_).parse(declaration);
  const { findings } = await bootTimeCheck.evaluate(parsed, {
    channel: localChannel(),
    signal: new AbortController().signal,
    scale,
    remaining: () => 20_000,
    compare: expect_.compare,
    control: undefined,
    output: undefined,
    ...(seen ? { boot: seen } : {}),
  });
  return findings.map((f) => `${f.path.join('.')}: ${f.message}`);
}

test('thresholds are multiplied by the slowness of the host, and the report shows both times', async () => {
  expect(await evaluate({ total: { lt: '4s' }, ssh: { lt: '3s' } }, 4, boot)).toEqual([]);
  expect(await evaluate({ total: { lt: '2s' } }, 1, boot)).toEqual([
    'total.lt: total: expected less than 2.0 s, found 12.0 s',
  ]);
  expect(await evaluate({ total: { lt: '2s' } }, 4, boot)).toEqual([
    'total.lt: total: expected less than 2.0 s, found 3.0 s (12.0 s here, where all is taken to be 4 times slower)',
  ]);
});

test('a phase that no one saw is no fast one', async () => {
  expect(await evaluate({ total: { lt: '1h' } }, 1)).toEqual([
    'total: total: could not be learned: this boot had no such phase that was seen',
  ]);
});
