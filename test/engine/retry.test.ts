import { expect, test } from 'vitest';
import { withRetries } from '../../src/engine/retry.ts';
import { emptyVerdict } from '../../src/engine/session.ts';
import type { Blame } from '../../src/schema/index.ts';

const { signal } = new AbortController();
const error = (blame: Blame) => ({ error: { code: 'guest-lost', message: 'it is gone', blame } });
const verdicts = {
  passed: () => emptyVerdict('passed', {}),
  failed: () => emptyVerdict('failed', { failures: [{ check: 'file', path: [], message: 'no' }] }),
  host: () => emptyVerdict('error', error('host')),
  guest: () => emptyVerdict('error', error('guest')),
};

async function tried(retries: number, fates: (keyof typeof verdicts)[]) {
  const left = [...fates];
  let renewed = 0;
  const { verdict } = await withRetries({
    retries,
    signal,
    attempt: async () => ({ verdict: verdicts[left.shift() ?? 'passed'](), guest: 'g' }),
    renew: async () => void renewed++,
  });
  const { outcome, attempts = [], hostErrors = [] } = verdict;
  return { outcome, attempts: attempts.length, hostErrors: hostErrors.length, left: left.length, renewed };
}

test('what the host spoils is tried again unasked, and counted apart from retries', async () => {
  expect(await tried(0, ['host', 'passed'])).toEqual({
    ...{ outcome: 'passed', attempts: 0, hostErrors: 1, left: 0, renewed: 1 },
  });
  expect(await tried(1, ['host', 'failed', 'host', 'passed'])).toEqual({
    ...{ outcome: 'passed', attempts: 1, hostErrors: 2, left: 0, renewed: 2 },
  });
});

test('a host that spoils every try is an error in the end', async () => {
  expect(await tried(5, ['host', 'host', 'host', 'passed'])).toMatchObject({ outcome: 'error', attempts: 0, left: 1 });
});

test('what a guest is to blame for is tried again only where that is asked for', async () => {
  expect(await tried(0, ['guest', 'passed'])).toMatchObject({ outcome: 'error', hostErrors: 0, left: 1, renewed: 0 });
  expect(await tried(1, ['guest', 'passed'])).toMatchObject({ outcome: 'passed', attempts: 1, hostErrors: 0 });
});
