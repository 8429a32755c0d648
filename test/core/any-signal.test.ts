import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { anySignal } from '../../src/core/index.ts';

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 5; i++) {
    await turn();
    gc();
  }
}

test('a deadline that nobody else holds comes, also through signals of signals', async () => {
  const late = new AbortController();
  const inner = anySignal(undefined, late.signal, AbortSignal.timeout(300));
  const outer = anySignal(anySignal(late.signal, AbortSignal.timeout(300)), new AbortController().signal);
  const aborted = [inner, outer].map((signal) => new Promise((done) => signal.addEventListener('abort', done)));
  await collectGarbage();
  await Promise.all(aborted);
  expect([inner.reason, outer.reason]).toMatchObject([{ name: 'TimeoutError' }, { name: 'TimeoutError' }]);
});

test('a reason is kept, and no signal at all never aborts', () => {
  const reason = new Error('why');
  expect(anySignal(undefined, AbortSignal.abort(reason)).reason).toBe(reason);
  expect(anySignal(undefined).aborted).toBe(false);
});
