// The severities of syslog(3), which the kernel's log has too, from the most serious on.

export const logLevels = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'] as const;

const OTHER_NAMES: Readonly<Record<string, number>> = { panic: 0, error: 3, warning: 4 };

/** The number of a severity's name. */
export function levelOf(name: string): number | undefined {
  const index = (logLevels as readonly string[]).indexOf(name);
  return index >= 0 ? index : Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined;
}
