import { shellQuote } from '../core/index.ts';
import type { RunRecord } from '../schema/index.ts';

const NO_FAILURE = ['passed', 'flaky', 'skipped', 'xfailed'];
const MAX_NAMED = 20;

/**
 * The command that runs the failed tests again: the arguments of the run with a pattern over `suite > test` in place
 * of its own. Undefined where nothing failed, and where so much did that the run itself is the command.
 */
export function rerunCommand(run: Pick<RunRecord, 'args' | 'suites'>): string | undefined {
  const failed = run.suites.flatMap((suite) =>
    suite.tests.filter((t) => !NO_FAILURE.includes(t.outcome)).map((t) => `${suite.name} > ${t.name}`),
  );
  if (failed.length === 0) return undefined;
  const args = withoutPattern(run.args);
  if (failed.length <= MAX_NAMED) args.push('-t', `^(${failed.map(escapeRegExp).join('|')})$`);
  return ['gvm', ...args].map(shellQuote).join(' ');
}

function withoutPattern(args: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '-t' || arg === '--tests') i++;
    else if (!arg.startsWith('--tests=')) kept.push(arg);
  }
  return kept;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
