import { formatDuration, printable } from '../core/index.ts';
import type { GuestRecord, HealthFinding, RebootRecord, Stage, TestRecord } from '../schema/index.ts';
import { styleOf } from './style.ts';
import { failureLine, hostLines } from './wording.ts';

/** What happens in a run, as far as live progress shows it. */
export type ProgressEvent =
  | { kind: 'guest-starting'; guest: string; image: string; fork?: boolean }
  | { kind: 'guest-stage'; guest: string; stage: Stage; atMs: number }
  | { kind: 'guest-ready'; guest: string; record: GuestRecord }
  | { kind: 'guest-restarted'; guest: string; record: RebootRecord }
  | { kind: 'guest-failed'; guest: string; record: GuestRecord }
  | { kind: 'health'; guest: string; finding: HealthFinding }
  | { kind: 'test-started'; suite: { name: string }; test: { name: string } }
  | { kind: 'test-ended'; suite: { name: string }; record: TestRecord };

export interface ProgressOptions {
  color: boolean;
  /** Stages of the boot and starts of tests as well. */
  verbose: boolean;
}

/** An event as one line, without its end; undefined where it is not worth one. Pure. */
export function renderProgress(event: ProgressEvent, { color, verbose }: ProgressOptions): string | undefined {
  const style = styleOf(color);
  switch (event.kind) {
    case 'guest-starting':
      if (event.fork) return verbose ? style.dim(`    ${event.guest} forks`) : undefined;
      return style.dim(`  … ${event.guest} boots ${printable(event.image)}`);
    case 'guest-stage':
      return verbose ? style.dim(`    ${event.guest}: ${event.stage} after ${formatDuration(event.atMs)}`) : undefined;
    case 'guest-ready': {
      if (event.record.checkpoint !== undefined && !verbose) return undefined;
      const { sshMs, readyMs } = event.record.boot;
      const times = [
        ...(sshMs === undefined ? [] : [`answered after ${formatDuration(sshMs)}`]),
        ...(readyMs === undefined ? [] : [`settled after ${formatDuration(readyMs)}`]),
      ];
      return `  ${style.good('▲')} ${event.guest} is ready ${style.dim(times.join(', '))}`.trimEnd();
    }
    case 'guest-restarted': {
      const { how, readyMs = 0 } = event.record;
      const what = how === 'reboot' ? 'rebooted' : 'lost its power';
      return `  ${style.good('▲')} ${event.guest} ${what} ${style.dim(`and was ready after ${formatDuration(readyMs)}`)}`;
    }
    case 'guest-failed': {
      const { outcome, stage, cause, message } = event.record.boot;
      if (outcome === 'cancelled') return style.dim(`  ○ ${event.guest} was cancelled`);
      const where = [...(stage ? [`stage ${stage}`] : []), ...(cause ? [`cause ${cause}`] : [])].join(', ');
      const [said] = printable(message ?? '').split('\n');
      return `  ${style.bad('▼')} ${event.guest} never became ready${where && ` (${printable(where)})`}${said && `: ${said}`}`;
    }
    case 'health': {
      const { kind, message, allowed } = event.finding;
      if (allowed !== undefined) return verbose ? style.dim(`  ○ ${event.guest}: ${kind}, allowed`) : undefined;
      return `  ${style.bad('✚')} ${event.guest}: ${printable(`${kind}: ${message}`)}`;
    }
    case 'test-started':
      return verbose ? style.dim(`    ${event.suite.name} › ${printable(event.test.name)}`) : undefined;
    case 'test-ended':
      return renderTestLine(event.suite.name, event.record, color);
  }
}

/** One finished test: sign, name, time; of a failure the first reason. */
export function renderTestLine(suite: string, test: TestRecord, color: boolean): string {
  const style = styleOf(color);
  const name = `${style.dim(`${suite} ›`)} ${printable(test.name)}`;
  const again = hostLines(test).map((line) => `      ${style.warn(printable(line).split('\n')[0] ?? '')}\n`);
  const head = `${again.join('')}  ${style.sign(test.outcome)} ${name}`;
  const time = style.dim(formatDuration(test.durationMs));
  switch (test.outcome) {
    case 'passed':
    case 'flaky':
      return `${head} ${time}`;
    case 'skipped':
    case 'xfailed':
      return `${head} ${style.dim(printable(`${test.outcome}: ${test.reason ?? 'no reason given'}`))}`;
    default: {
      const [first] = test.failures;
      const why = test.error?.message ?? (first ? failureLine(first) : test.outcome);
      const more = test.failures.length > 1 ? ` (and ${test.failures.length - 1} more)` : '';
      const [line = ''] = printable(why).split('\n');
      return `${head} ${time}\n      ${style.outcome(test.outcome, line)}${more}`;
    }
  }
}
