import { z } from 'zod';
import { defineFact } from './fact.ts';
import { KERNEL_LOG, parseKernelLog } from './kernel-log.ts';
import { linesOf, partOf } from './shell.ts';

// How long the guest took to boot, by its own clock: systemd's record of its phases (systemd-analyze(1) reads the same),
// and the moment at which the kernel says that it starts init or the initramfs.

const duration = z.number().min(0).optional();

const bootTimeValue = z.strictObject({
  firmware: duration,
  loader: duration,
  kernel: duration.meta({ description: 'until it started init, or the initramfs' }),
  initrd: duration,
  userspace: duration,
});

export type BootTimeValue = z.output<typeof bootTimeValue>;

const PROPERTIES = ['Firmware', 'Loader', 'InitRD', 'Userspace', 'Finish'].map((name) => `${name}TimestampMonotonic`);

export const bootTimeFact = defineFact<Record<string, never>, BootTimeValue>({
  name: 'boot-time',
  description: 'the phases of the boot in milliseconds',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: bootTimeValue,
  limit: () => 64 * 1024,
  fragment: () => `if [ -d /run/systemd/system ]; then
part systemd
systemctl show --no-pager -p ${PROPERTIES.join(',')}
fi
part log
{ ${KERNEL_LOG}; } | sed -n '/Run .* as init process/{p;q;}'
:`,

  parse(output) {
    const systemd = phasesOf(linesOf(partOf(output, 'systemd')));
    const [line] = parseKernelLog(partOf(output, 'log')?.toString('utf8') ?? '');
    const kernel = systemd.kernel ?? (line?.kernel && line.at !== undefined ? line.at * 1000 : undefined);
    const value = { ...systemd, ...(kernel === undefined ? {} : { kernel }) };
    const unknown = kernel === undefined ? ['the log of the kernel no longer tells when it started init'] : [];
    return [{ value, diagnostics: unknown }];
  },
});

/** Phases from systemd's time stamps: microseconds before and after the start of the kernel, 0 for none. */
export function phasesOf(lines: readonly string[]): BootTimeValue {
  const at = new Map<string, number>();
  for (const line of lines) {
    const [, name, value] = /^(\w+?)TimestampMonotonic=(\d{1,15})$/.exec(line) ?? [];
    if (name !== undefined && Number(value) > 0) at.set(name, Number(value) / 1000);
  }
  const [firmware, loader, initrd, userspace, finish] = ['Firmware', 'Loader', 'InitRD', 'Userspace', 'Finish'].map(
    (n) => at.get(n),
  );
  const phases = {
    firmware: firmware === undefined ? undefined : firmware - (loader ?? 0),
    loader,
    kernel: initrd ?? userspace,
    initrd: initrd === undefined || userspace === undefined ? undefined : userspace - initrd,
    userspace: finish === undefined || userspace === undefined ? undefined : finish - userspace,
  };
  return Object.fromEntries(Object.entries(phases).filter(([, ms]) => ms !== undefined && ms >= 0));
}
