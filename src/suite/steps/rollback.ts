import { z } from 'zod';
import { type ActiveCheck, done } from '../check.ts';
import { uncontrolled } from './uncontrolled.ts';

export const rollbackStep: ActiveCheck<Record<string, never>> = {
  name: 'rollback',
  description:
    'throws away what the guest has become, and goes on from the last step with `milestone: true`; with isolation: fork and none before it in its test, from the beginning of the test',
  step: true,
  disruptive: true,
  bare: 'it acts and asks nothing',
  schema: () => z.strictObject({}),
  label: () => undefined,

  async evaluate(_, { control, signal }) {
    if (!control) throw uncontrolled('rollback');
    await control.rollback(signal);
    return done;
  },
};
