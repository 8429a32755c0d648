import { formatDuration, printable } from '../core/index.ts';
import type { GuestRecord, Outcome, RunRecord, SuiteRecord, TestRecord } from '../schema/index.ts';
import { codeFrame } from './code-frame.ts';
import { matrixTable } from './matrix-table.ts';
import { renderTestLine } from './progress.ts';
import { rerunCommand } from './rerun.ts';
import { indent, type Style, styleOf } from './style.ts';
import { changesText, commandsText, expiryOf, historyText, placeOf, postMortemText, subjectOf } from './wording.ts';

export interface SummaryOptions {
  color: boolean;
  /** List every test; not wanted after live progress. */
  tests: boolean;
  /** The reports that were written, as paths to show. */
  reports: readonly string[];
}

const TROUBLE: readonly Outcome[] = ['failed', 'xpassed', 'error', 'timeout'];
const LONGEST_VALUE = 12;

/** The summary of a run for a person: what failed and where, what the guests did, the counts, what to do next. Pure. */
export function renderSummary(run: RunRecord, options: SummaryOptions): string {
  const style = styleOf(options.color);
  const table = matrixTable(run, style);
  const blocks = [
    ...(options.tests ? run.suites.map((suite) => suiteBlock(suite, options.color, style)) : []),
    ...run.suites.flatMap((suite) => troubles(suite, style)),
    ...run.guests.flatMap((guest) => guestBlock(guest, style)),
    ...run.errors.map((error) => [
      `${style.bad('!')} ${style.bold('the run')}`,
      ...indent(error.message, 4),
      ...(error.hint === undefined ? [] : indent(`hint: ${error.hint}`, 4)),
    ]),
    ...(table.length > 0 ? [table] : []),
    ...(run.history ? [changesText(run).map((line) => printable(line))] : []),
    totalsBlock(run, options, style),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function suiteBlock(suite: SuiteRecord, color: boolean, style: Style): string[] {
  return [
    `${style.bold(suite.name)} ${style.dim(printable(suite.file))}`,
    ...suite.tests.map((test) => renderTestLine(suite.name, test, color)),
  ];
}

function troubles(suite: SuiteRecord, style: Style): string[][] {
  const tests = suite.tests.filter((test) => TROUBLE.includes(test.outcome));
  // A boot that dies takes every test of its guest with it: one cause is shown once.
  const seen = new Map<string, number>();
  return tests.flatMap((test) => {
    const key = test.error && test.failures.length === 0 ? `${test.error.code} ${test.error.message}` : undefined;
    if (key !== undefined) {
      const before = seen.get(key) ?? 0;
      seen.set(key, before + 1);
      if (before > 0)
        return [[`${style.sign(test.outcome)} ${title(suite, test, style)} ${style.dim('for the same reason')}`]];
    }
    return [troubleBlock(suite, test, style)];
  });
}

function title(suite: SuiteRecord, test: TestRecord, style: Style): string {
  return style.bold(`${suite.name} › ${printable(test.name)}`);
}

function troubleBlock(suite: SuiteRecord, test: TestRecord, style: Style): string[] {
  const lines = [
    `${style.sign(test.outcome)} ${title(suite, test, style)} ${style.dim(printable(placeOf(test.position)))}`,
  ];
  if (test.error) {
    const { message, hint, code, blame, notes = [] } = test.error;
    lines.push(...indent(message, 4), `    ${style.dim(printable(`${code}, blame: ${blame}`))}`);
    for (const note of notes) lines.push(...indent(note, 4).map((line) => style.warn(line)));
    if (hint !== undefined) lines.push(...indent(`hint: ${hint}`, 4));
  }
  for (const failure of test.failures) {
    const place = failure.position ? style.dim(printable(placeOf(failure.position))) : '';
    lines.push('', `  ${place}`.trimEnd());
    lines.push(...codeFrame(failure, style).map((line) => `  ${line}`));
    const [first = '', ...more] = indent(`${subjectOf(failure)}: ${failure.message}`, 4);
    lines.push(style.outcome(test.outcome, first), ...more);
    lines.push(...value('expected', failure.expected, style.good), ...value('actual', failure.actual, style.bad));
  }
  for (const text of historyText(test)) lines.push(...indent(text, 4).map((line) => style.warn(line)));
  const output = commandsText(test.commands);
  if (output !== '' && test.failures.some((f) => f.check === 'command'))
    lines.push('', ...indent(output, 4).map((line) => style.dim(line)));
  for (const text of test.diagnostics) lines.push(...indent(`note: ${text}`, 4).map((line) => style.warn(line)));
  return lines;
}

/** A value on one line, or below its name where it has several; the middle of a long one is left out. */
function value(name: string, text: string | undefined, paint: (text: string) => string): string[] {
  if (text === undefined) return [];
  const lines = printable(text).split('\n');
  if (lines.length === 1) return [`      ${name.padEnd(8)} ${paint(lines[0] ?? '')}`];
  const half = LONGEST_VALUE / 2;
  const shown =
    lines.length <= LONGEST_VALUE
      ? lines
      : [...lines.slice(0, half), `… ${lines.length - LONGEST_VALUE} lines …`, ...lines.slice(-half)];
  return [`      ${name}`, ...shown.map((line) => `        ${paint(line)}`)];
}

/** A guest that died on its way, or in which something was found that nobody asked about. */
function guestBlock(guest: GuestRecord, style: Style): string[][] {
  const { boot } = guest;
  const lines: string[] = [];
  if (boot.outcome === 'failed' || boot.outcome === 'timeout') {
    lines.push(...indent(`died in stage ${boot.stage ?? 'unknown'}: ${boot.message ?? boot.cause ?? boot.outcome}`, 4));
    for (const line of boot.evidence ?? []) lines.push(...indent(`│ ${line}`, 4).map((l) => style.dim(l)));
  }
  for (const finding of guest.health) {
    if (finding.allowed !== undefined) continue;
    lines.push(
      ...indent(`${finding.kind} at ${finding.when}: ${finding.message}${expiryOf(finding)}`, 4).map((l) =>
        style.bad(l),
      ),
    );
  }
  if (lines.length > 0 && guest.postMortem)
    for (const text of postMortemText(guest.postMortem)) lines.push(...indent(text, 4).map((l) => style.warn(l)));
  if (lines.length === 0) return [];
  if (guest.console !== undefined) lines.push(`    ${style.dim(`console: ${printable(guest.console)}`)}`);
  if (guest.picture !== undefined) lines.push(`    ${style.dim(`screen: ${printable(guest.picture)}`)}`);
  if (guest.kept !== undefined) lines.push(`    ${style.dim(`enter it: ${printable(guest.kept)}`)}`);
  return [[`${style.bad('✚')} ${style.bold(`guest ${guest.name}`)}`, ...lines]];
}

const COUNTED: readonly Outcome[] = ['failed', 'xpassed', 'error', 'timeout', 'flaky', 'passed', 'skipped', 'xfailed'];

function totalsBlock(run: RunRecord, options: SummaryOptions, style: Style): string[] {
  const { totals } = run;
  const counts = COUNTED.filter((outcome) => totals[outcome] > 0).map((outcome) =>
    style.outcome(outcome, `${totals[outcome]} ${outcome}`),
  );
  const row = (name: string, text: string) => `${style.dim(name.padStart(9))}  ${text}`;
  const lines = [row('Tests', `${counts.join(', ') || 'none'} ${style.dim(`(${totals.tests})`)}`)];
  const spoiled = run.suites.flatMap((suite) => suite.tests.flatMap((test) => test.hostErrors ?? [])).length;
  if (spoiled > 0) lines.push(row('Host', style.warn(`${spoiled} tries were spoiled by the host, and made again`)));
  if (totals.health > 0) lines.push(row('Health', style.bad(`${totals.health} found unasked`)));
  const ready = run.guests.filter((g) => g.boot.outcome === 'ready');
  for (const guest of ready) if (guest.checkpoint === undefined) lines.push(row('Guest', guestLine(guest, run)));
  const forks = ready.filter((guest) => guest.checkpoint !== undefined);
  if (forks.length > 0) lines.push(row('Forks', forksLine(forks)));
  for (const { name } of run.disks ?? []) lines.push(row('Disk', printable(`${name}, powered off`)));
  if (run.accelerator) lines.push(row('Accel', printable(`${run.accelerator.name}: ${run.accelerator.reason}`)));
  lines.push(row('Time', formatDuration(run.durationMs)));
  if (options.reports.length > 0) lines.push(row('Reports', options.reports.map(printable).join(', ')));
  if (run.seed !== undefined) lines.push(row('Order', `random, --seed ${run.seed}`));
  if (run.interrupted) lines.push(row('Ended', style.warn(`by ${run.interrupted}`)));
  const rerun = run.interrupted ? undefined : rerunCommand(run);
  if (rerun !== undefined) lines.push(row('Rerun', printable(rerun)));
  return lines;
}

/** Guests that went on from a checkpoint: one for each test, so they share a line. */
function forksLine(forks: readonly GuestRecord[]): string {
  const times = forks.map(({ boot }) => boot.readyMs ?? 0).sort((a, b) => a - b);
  const at = (share: number) => formatDuration(times[Math.floor((times.length - 1) * share)] ?? 0);
  return `${forks.length}, ready after ${at(0.5)} (median), ${at(1)} at the most`;
}

function guestLine(guest: GuestRecord, run: RunRecord): string {
  const { sshMs, readyMs } = guest.boot;
  const parts = [
    `${guest.name}: ${guest.image.name}`,
    ...(guest.kernel === undefined ? [] : [`Linux ${guest.kernel}`]),
    ...(sshMs === undefined ? [] : [`answered after ${formatDuration(sshMs)}`]),
    ...(readyMs === undefined ? [] : [`settled after ${formatDuration(readyMs)}`]),
    ...(run.accelerator === undefined ? [] : [run.accelerator.name]),
  ];
  return printable(parts.join(', '));
}
