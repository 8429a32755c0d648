import { expect, test } from 'vitest';
import { type Moment, randomMoment, strike } from '../e2e/storm.ts';

const ROUNDS = 20;

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGKILL', null],
] as const)(`%s, ${ROUNDS} times at random moments of boot, suite and teardown`, async (signal, code) => {
  const trouble: { moment: Moment; found: unknown }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const moment = randomMoment();
    const { finished, alive, files, filesAfterNextStart, took } = await strike([signal], moment);
    const left = signal === 'SIGKILL' ? filesAfterNextStart : files;
    const over = moment.phase === 'teardown' && finished.code === 0;
    const found = { alive, left, code: finished.code };
    console.log(
      `${signal} ${round + 1}: ${moment.phase} +${Math.round(moment.delay)} ms, ended after ${Math.round(took)} ms`,
    );
    if (alive.length > 0 || left.length > 0 || (finished.code !== code && !over)) trouble.push({ moment, found });
  }
  expect(trouble).toEqual([]);
});
