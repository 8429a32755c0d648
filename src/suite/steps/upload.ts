import { z } from 'zod';
import { upload } from '../../guest/index.ts';
import { type ActiveCheck, done } from '../check.ts';
import { uncontrolled } from './uncontrolled.ts';

const schema = () =>
  z.strictObject({
    from: z
      .string()
      .min(1)
      .meta({ description: "a file or folder of the host in the suite's own folder, links included" }),
    to: z
      .string()
      .regex(/^\/[^\0]*$/, 'expected an absolute path')
      .meta({ description: 'its path in the guest; folders above it are made' }),
    mode: z
      .string()
      .regex(/^0?[0-7]{3,4}$/, 'expected a file mode in octal such as "0644"')
      .optional()
      .meta({ description: 'of a file; its own where it is not given' }),
    owner: z
      .string()
      .regex(/^[\w.-]+(?::[\w.-]+)?$/, 'expected USER or USER:GROUP')
      .optional()
      .meta({ description: 'USER or USER:GROUP of the guest; root where it is not given' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const uploadStep: ActiveCheck<Declaration> = {
  name: 'upload',
  description: 'copies a file or a tree of the host into the guest, with modes, times and links; the guest needs tar',
  step: true,
  hostFile: 'from',
  bare: 'it acts and asks nothing',
  schema,
  label: (d) => d.to,

  async evaluate(d, { channel, signal, remaining }) {
    const { start } = channel;
    if (!start) throw uncontrolled('upload');
    const mode = d.mode === undefined ? {} : { mode: Number.parseInt(d.mode, 8) };
    await upload({ start }, { from: d.from, to: d.to, owner: d.owner, ...mode, timeout: remaining(), signal });
    return done;
  },
};
