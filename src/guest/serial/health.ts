import { clip, printable } from '../../core/index.ts';
import type { ConsoleFinding } from './finding.ts';
import type { ConsoleLine } from './lines.ts';
import { unstamp } from './stages.ts';

const MOST_FINDINGS = 200;

/** What a kernel that is well does not say; the first that matches counts. */
const complaints: readonly (readonly [kind: ConsoleFinding['kind'], pattern: RegExp])[] = [
  ['panic', /^Kernel panic - not syncing/],
  ['soft-lockup', /^watchdog: BUG: soft lockup|^BUG: workqueue lockup/],
  ['hard-lockup', /[Ww]atchdog detected hard LOCKUP/],
  ['hung-task', /^INFO: task .+ blocked for more than \d+ seconds/],
  ['rcu-stall', /^rcu: INFO: \S+ (?:self-)?detected (?:expedited )?stalls?/],
  ['oom-kill', /^(?:Memory cgroup out of memory|Out of memory(?: \([^)]*\))?): Kill(?:ed)? process/],
  ['oops', /^(?:Oops: |BUG: |kernel BUG at |general protection fault|Unable to handle kernel |invalid opcode: 0000)/],
  ['warning', /^WARNING: /],
  ['init-crash', /^[\w./-]+\[1\]: segfault |^traps: [\w./-]+\[1\] /],
];

/** The complaint in a line of the kernel; lines of programs do not count, whatever they say. */
export function complaintOf({ text, at }: ConsoleLine): ConsoleFinding | undefined {
  const { text: said, stamped } = unstamp(text);
  if (!stamped) return undefined;
  const kind = complaints.find(([, pattern]) => pattern.test(said))?.[0];
  return kind && { kind, line: clip(printable(said), 400), at: Math.round(at) };
}

/** Collects complaints; a guest that never stops complaining costs bounded memory. */
export class HealthWatch {
  readonly #findings: ConsoleFinding[] = [];

  push(line: ConsoleLine): void {
    const finding = this.#findings.length < MOST_FINDINGS ? complaintOf(line) : undefined;
    if (finding) this.#findings.push(finding);
  }

  findings(): ConsoleFinding[] {
    return [...this.#findings];
  }
}
