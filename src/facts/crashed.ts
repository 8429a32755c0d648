import { z } from 'zod';
import { defineFact } from './fact.ts';
import { OPENRC, parseOpenrc } from './init.ts';
import { linesOf } from './shell.ts';

// Services that died or failed to start, asked for on every boot; a guest under another init has none that are known.

const crashedValue = z.strictObject({
  init: z.enum(['openrc', 'systemd', 'other']),
  crashed: z.array(z.string()),
});

export type CrashedValue = z.output<typeof crashedValue>;

export const crashedFact = defineFact<Record<string, never>, CrashedValue>({
  name: 'crashed',
  description: 'services that crashed or failed to start, under OpenRC and systemd',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: crashedValue,
  limit: () => 512 * 1024,
  fragment: () => `if [ -d /run/openrc ]; then
${OPENRC}
elif [ -d /run/systemd/system ]; then
part failed
systemctl list-units --no-pager --plain --no-legend --full --state=failed
fi`,

  parse(output) {
    if (output.parts.some((p) => p.label === 'services')) {
      const { services, diagnostics } = parseOpenrc(output);
      const crashed = [...services].filter(([, s]) => s.state === 'crashed' || s.state === 'failed');
      return [{ value: { init: 'openrc', crashed: crashed.map(([name]) => name).sort() }, diagnostics }];
    }
    const failed = output.parts.find((p) => p.label === 'failed')?.data;
    if (!failed) return [{ value: { init: 'other', crashed: [] }, diagnostics: [] }];
    if (output.status !== 0) return [{ diagnostics: ['systemctl did not list the failed units'] }];
    const crashed = linesOf(failed).map((line) => line.trim().split(' ')[0] ?? '');
    return [{ value: { init: 'systemd', crashed: crashed.filter((name) => name !== '') }, diagnostics: [] }];
  },
});
