import { readLastLog } from '../logs.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// The end of what the last boot logged: the system's log, OpenRC's rc.log, the kernel's log that an init kept.

const schema = (z: Zod) =>
  z.array(
    z.strictObject({
      source: z.string(),
      lines: z.array(z.string()).meta({ description: 'the last ones, oldest first' }),
    }),
  );

const KEPT = 100;
const SHOWN = 8;

export const logsSection = defineSection<Told<typeof schema>>({
  name: 'logs',
  title: 'Logs of the last boot',
  schema,
  async read({ disk, note }) {
    const logs = await readLastLog(disk, KEPT, note);
    return logs.length === 0 ? undefined : logs.map(({ source, lines }) => ({ source, lines }));
  },
  rows: (logs) => logs.flatMap(({ source, lines }) => [[source], ...lines.slice(-SHOWN).map((line) => [`  ${line}`])]),
});
