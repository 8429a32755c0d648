import type { Log } from '../core/index.ts';
import { formatDuration, printable } from '../core/index.ts';
import type { BuildEvent } from '../image/index.ts';

/** Shows a build as it goes: its stages always, what the tools say under `-v`. */
export function logBuild(log: Log): (event: BuildEvent) => void {
  return (event) => {
    if (event.type === 'stage') log.info(`  … ${event.stage}: ${event.detail}`);
    else if (event.type === 'output') log.detail(`    ${printable(event.line)}`);
    else log.detail(`    ${event.stage} took ${formatDuration(event.ms)}`);
  };
}
