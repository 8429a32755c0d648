import { expect, test } from 'vitest';
import { type Moment, strike } from './storm.ts';

const moments: Moment[] = [
  { phase: 'boot', delay: 2500 },
  { phase: 'suite', delay: 400 },
  { phase: 'teardown', delay: 50 },
];

test.each([
  ['SIGINT', 130, moments[0]],
  ['SIGTERM', 143, moments[1]],
  ['SIGINT', 130, moments[2]],
] as const)('%s leaves nothing and exits %i (%o)', async (signal, code, moment) => {
  const { finished, alive, files } = await strike([signal], moment as Moment);
  expect({ alive, files }).toEqual({ alive: [], files: [] });
  // A run that was over before the signal came has its own exit code.
  expect(finished.code === code || moment?.phase === 'teardown').toBe(true);
});

test('a second Ctrl-C does not wait', async () => {
  const { finished, took, alive, filesAfterNextStart } = await strike(['SIGINT', 'SIGINT'], moments[0] as Moment);
  expect({ alive, filesAfterNextStart }).toEqual({ alive: [], filesAfterNextStart: [] });
  expect(finished.code).toBe(130);
  expect(took).toBeLessThan(1000);
});

test('kill -9 leaves no QEMU, and no file after the next start', async () => {
  const { alive, filesAfterNextStart } = await strike(['SIGKILL'], moments[1] as Moment);
  expect({ alive, filesAfterNextStart }).toEqual({ alive: [], filesAfterNextStart: [] });
});
