import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Workshop } from '../e2e/broken.ts';
import { type Provoked, provoke, tableOf } from '../e2e/provoke.ts';
import { openTestLab } from '../e2e/test-lab.ts';
import { moreDeadBoots } from './dead-boots.ts';

// One or two on an idle host, where a kernel need not print for long before it ends.
const WITHIN = 2;
const bench = await openTestLab();
const folder = mkdtempSync(join(tmpdir(), 'gvm-dead-'));
const workshop = new Workshop(bench, folder);
const ends = new Map<string, Promise<Provoked>>();

afterAll(async () => {
  console.log(await tableOf(ends));
  await bench[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test.each(moreDeadBoots)('$name', async (dead) => {
  const { name, stage, cause, blame = 'guest', shows } = dead;
  const ending = provoke(workshop, dead);
  ends.set(name, ending);
  const end = await ending;
  if (process.env.DEBUG_DEAD) console.log(`${name}: ${end.message}\n${end.log.slice(-1500)}`);
  expect(end.details, end.log.slice(-3000)).toMatchObject({ stage, cause, blame });
  expect(end.message).toContain(shows);
  expect(end.seconds ?? 0).toBeLessThan(WITHIN);
});
