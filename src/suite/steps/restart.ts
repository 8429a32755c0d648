import { z } from 'zod';
import { formatDuration } from '../../core/index.ts';
import { duration } from '../../schema/index.ts';
import { type ActiveCheck, done } from '../check.ts';
import { uncontrolled } from './uncontrolled.ts';

const schema = () =>
  z.strictObject({
    within: duration.optional().meta({
      description: 'from the reset until it is ready, before scaling; a boot that takes longer fails the step',
    }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

/**
 * A step after which the guest has booted again. One that does not come back at all is an error of the test and of
 * those after it, as any boot that dies.
 */
export function restartStep(how: 'reboot' | 'crash', description: string): ActiveCheck<Declaration> {
  return {
    name: how,
    description,
    step: true,
    disruptive: true,
    bare: 'alone it asks that the guest comes back at all',
    schema,
    label: () => undefined,

    async evaluate(d, { control, signal, scale }) {
      if (!control) throw uncontrolled(how);
      const { within } = d;
      const { readyMs } = await control.restart(how, {
        signal,
        ...(within === undefined ? {} : { timeout: within }),
      });
      if (within === undefined || readyMs <= within * scale) return done;
      const message = `was ready again after ${formatDuration(readyMs)}`;
      const expected = `within ${formatDuration(within * scale)}${scale === 1 ? '' : ` (${formatDuration(within)} × ${scale})`}`;
      const finding = { path: ['within'], message, expected, actual: formatDuration(readyMs) };
      return { ...done, findings: [finding] };
    },
  };
}
