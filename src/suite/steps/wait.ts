import { z } from 'zod';
import { pause } from '../../core/index.ts';
import { duration } from '../../schema/index.ts';
import { type ActiveCheck, done } from '../check.ts';

const schema = () => z.strictObject({ for: duration });

type Declaration = z.output<ReturnType<typeof schema>>;

export const waitStep: ActiveCheck<Declaration> = {
  name: 'wait',
  description: 'lets time pass, scaled; to wait until something holds, give that check `eventually`',
  step: true,
  short: 'for',
  bare: 'it acts and asks nothing',
  schema,
  label: () => undefined,

  async evaluate(d, { scale, signal, remaining }) {
    const wanted = d.for * scale;
    const left = remaining();
    await pause(Math.min(wanted, left), signal);
    if (wanted <= left) return done;
    const finding = { path: ['for'], message: 'the time of the test is over before this wait is' };
    return { ...done, findings: [finding], timedOut: true };
  },
};
