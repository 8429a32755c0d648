// Reads the kernel's log as `dmesg -r` prints it, of util-linux and busybox: <PREFIX>[seconds] text, where the prefix is
// facility × 8 + level (syslog(2)); a line without a prefix goes on with the one before.

/** Shell text that prints the kernel's log. busybox, where it has that, is started in half the time of the other. */
export const KERNEL_LOG = 'busybox dmesg -r 2>/dev/null || dmesg -r';

export interface KernelLine {
  /** 0 to 7: emerg to debug. */
  level: number;
  /** The kernel itself, not a program that wrote to /dev/kmsg. */
  kernel: boolean;
  /** Seconds since the start of the kernel, where it stamps its lines. */
  at?: number;
  text: string;
}

export function parseKernelLog(text: string): KernelLine[] {
  const lines: KernelLine[] = [];
  for (const line of text.split('\n')) {
    const match = /^<(\d{1,4})>(?:\[ *(\d{1,10}\.\d{1,9})\] ?)?(.*)$/.exec(line);
    const last = lines.at(-1);
    if (match) {
      const prefix = Number(match[1]);
      lines.push({
        level: prefix & 7,
        kernel: prefix < 8,
        ...(match[2] === undefined ? {} : { at: Number(match[2]) }),
        text: match[3] ?? '',
      });
    } else if (last && line !== '') last.text += `\n${line}`;
  }
  return lines;
}
