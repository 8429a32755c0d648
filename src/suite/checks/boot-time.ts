import { z } from 'zod';
import { formatDuration } from '../../core/index.ts';
import { type BootTimeValue, bootTimeFact, collect } from '../../facts/index.ts';
import type { BootRecord, Stage } from '../../schema/index.ts';
import type { ActiveCheck, CheckContext, Finding } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    firmware: expect.duration.optional().meta({ description: 'until the boot loader or the kernel runs' }),
    loader: expect.duration.optional().meta({ description: 'until the kernel runs' }),
    kernel: expect.duration
      .optional()
      .meta({ description: "until it starts init or the initramfs, by the guest's clock" }),
    initrd: expect.duration.optional().meta({ description: 'until init runs' }),
    userspace: expect.duration.optional().meta({ description: 'from init until all services have settled' }),
    ssh: expect.duration.optional().meta({ description: 'from the start of QEMU to the first answered command' }),
    total: expect.duration.optional().meta({ description: 'from the start of QEMU until the guest was ready' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;
/** Milliseconds of the phases that are known. */
type Times = Partial<Record<keyof Declaration, number | undefined>>;

export const bootTimeCheck: ActiveCheck<Declaration> = {
  name: 'boot-time',
  description:
    'how long the boot took: what systemd and the kernel recorded, else what the console showed. As all durations, those that are given are multiplied by the slowness of host and accelerator',
  schema,
  label: () => undefined,

  async evaluate(d, context) {
    const [answer] = await collect([{ fact: bootTimeFact.name, args: {} }], {
      facts: [bootTimeFact],
      channel: context.channel,
      timeout: context.remaining(),
      signal: context.signal,
    });
    const times = { ...timesOf(context.boot), ...(answer?.value as BootTimeValue | undefined) };
    const findings = judge(d, times, context);
    return { findings, commands: [], timedOut: false };
  },
};

/** The phases as the host saw them on the console: each lasts until the next that was seen. */
export function timesOf(boot: BootRecord | undefined): Times {
  if (!boot) return {};
  const { stages, sshMs, readyMs } = boot;
  const at = (...names: Stage[]) => stages.find((s) => names.includes(s.stage))?.atMs;
  const between = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined || to < from ? undefined : to - from;
  const times = {
    firmware: between(at('firmware'), at('loader', 'kernel')),
    loader: between(at('loader'), at('kernel')),
    kernel: between(at('kernel'), at('initrd', 'init')),
    initrd: between(at('initrd'), at('init')),
    userspace: between(at('init'), readyMs),
    ssh: sshMs,
    total: readyMs,
  };
  return times;
}

function judge(
  declaration: Declaration,
  times: Times,
  { compare, scale }: Pick<CheckContext, 'compare' | 'scale'>,
): Finding[] {
  return Object.entries(declaration).flatMap(([phase, expected]): Finding[] => {
    if (expected === undefined) return [];
    const took = times[phase as keyof Declaration];
    if (took === undefined)
      return [{ path: [phase], message: `${phase}: could not be learned: this boot had no such phase that was seen` }];
    const measured =
      scale === 1 ? '' : ` (${formatDuration(took)} here, where all is taken to be ${scale} times slower)`;
    return compare('duration', took / scale, expected).map((m) => ({
      ...m,
      path: [phase, ...m.path],
      message: `${phase}: ${m.message}${measured}`,
    }));
  });
}
