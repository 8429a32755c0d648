import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isGvmError } from '../../errors/index.ts';
import { download } from '../../guest/index.ts';
import { type ActiveCheck, done } from '../check.ts';
import { uncontrolled } from './uncontrolled.ts';

const schema = () =>
  z.strictObject({
    from: z.string().regex(/^\/[^\0]*$/, 'expected an absolute path'),
    to: z
      .string()
      .regex(/^(?!.*(?:^|\/)\.\.?(?:\/|$))[\w.+-][\w./+-]{0,200}$/, 'expected a relative path of plain characters')
      .meta({ description: 'a path below files/SUITE in the folder of the reports' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const downloadStep: ActiveCheck<Declaration> = {
  name: 'download',
  description:
    'copies a file or a tree out of the guest into the folder of the reports; one that is missing fails the step',
  step: true,
  bare: 'it asks that there is something to copy',
  schema,
  label: (d) => d.from,

  async evaluate(d, { channel, signal, remaining, output }) {
    const { start } = channel;
    if (!start || output === undefined) throw uncontrolled('download');
    const to = join(output, d.to);
    // What an earlier run left there is not this one's.
    await rm(to, { recursive: true, force: true });
    try {
      await download({ start }, { from: d.from, to, timeout: remaining(), signal });
      return done;
    } catch (error) {
      if (!isGvmError(error) || error.code !== 'file-missing') throw error;
      return { ...done, findings: [{ path: ['from'], message: `${d.from} does not exist` }] };
    }
  },
};
