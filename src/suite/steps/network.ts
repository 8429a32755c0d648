import { z } from 'zod';
import { type ActiveCheck, done } from '../check.ts';
import { uncontrolled } from './uncontrolled.ts';

const schema = () => z.strictObject({ state: z.enum(['cut', 'restored']) });

type Declaration = z.output<ReturnType<typeof schema>>;

export const networkStep: ActiveCheck<Declaration> = {
  name: 'network',
  description:
    'pulls the cables out of all network cards, or puts them back; what a test has cut is restored after it in any case',
  step: true,
  disruptive: true,
  short: 'state',
  bare: 'it acts and asks nothing',
  schema,
  label: (d) => d.state,

  async evaluate(d, { control, signal }) {
    if (!control) throw uncontrolled('network');
    await control.network(d.state === 'restored', signal);
    return done;
  },
};
