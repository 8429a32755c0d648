import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workshop } from './broken.ts';
import { deadBoots } from './dead-boots.ts';
import { type Provoked, provokeAll, tableOf } from './provoke.ts';
import { openTestLab } from './test-lab.ts';

// Each guest here dies on its way in a way of its own; what is tested is that its end is told, with its cause, within
// seconds of the trace that it leaves on its console: one or two on an idle host, which the table shows. What is asserted
// is that no deadline was waited for, on however busy a host.

const WITHIN = 100;
const bench = await openTestLab();
const folder = mkdtempSync(join(tmpdir(), 'gvm-dead-'));
const workshop = new Workshop(bench, folder);
let ends: ReadonlyMap<string, Promise<Provoked>>;

beforeAll(() => {
  ends = provokeAll(workshop, deadBoots, 2);
});
afterAll(async () => {
  console.log(await tableOf(ends));
  await bench[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test.each(deadBoots)('$name', async ({ name, stage, cause, blame = 'guest', shows }) => {
  const end = await (ends.get(name) as Promise<Provoked>);
  expect(end.details, end.log.slice(-3000)).toMatchObject({ stage, cause, blame });
  expect(end.message).toContain(shows);
  expect(end.seconds ?? 0).toBeLessThan(WITHIN);
});

test('a guest that shows nothing ends at its deadline, and the message says what was last seen', async () => {
  const silent = await workshop.bare('silent', 'while :; do /busybox sleep 10; done');
  const start = bench.lab.start({ ...silent, machine: { ...silent.machine, timeout: 2000 } });
  await expect(start).rejects.toMatchObject({
    code: 'boot-timeout',
    message: expect.stringMatching(
      /not ready within .*; nothing answers at its SSH port; its console last showed ".*" .* ago/,
    ),
  });
});

test('nothing of them is left running', () => {
  expect(bench.processes()).toEqual([]);
});
