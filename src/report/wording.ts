import type { Failure, GuestRecord, HealthFinding, RunError, RunRecord, TestRecord } from '../schema/index.ts';

/** `file:line:column`, as editors and terminals understand it. */
export function placeOf(position: { file: string; line: number; column: number }): string {
  return `${position.file}:${position.line}:${position.column}`;
}

/** What failed: the kind of check and what it looked at. */
export function subjectOf({ check, subject }: Failure): string {
  const [first = ''] = (subject ?? '').split('\n');
  const more = subject !== undefined && subject !== first ? ' …' : '';
  return subject === undefined ? check : `${check} ${first}${more}`;
}

/** A failure in one line. */
export function failureLine(failure: Failure): string {
  return `${subjectOf(failure)}: ${failure.message}`;
}

/** A failure with all that is known of it. */
export function failureText(failure: Failure): string {
  return [
    ...(failure.position ? [`at ${placeOf(failure.position)}`] : []),
    ...(failure.source === undefined ? [] : [`   ${failure.source.trim()}`]),
    failureLine(failure),
    ...(failure.expected === undefined ? [] : [`expected: ${failure.expected}`]),
    ...(failure.actual === undefined ? [] : [`actual:   ${failure.actual}`]),
  ].join('\n');
}

/** An error of a test or a run. */
export function errorText({ code, message, hint, blame, notes = [] }: RunError): string {
  return [`${message} (${code}, blame: ${blame})`, ...notes, ...(hint === undefined ? [] : [`hint: ${hint}`])].join(
    '\n',
  );
}

/** What the powered-off disk of a dead guest showed, in lines. */
export function postMortemText({ findings, logs }: NonNullable<GuestRecord['postMortem']>): string[] {
  return [
    ...findings.map((text) => `its disk: ${text}`),
    ...logs.flatMap(({ source, lines }) => [`its ${source} ends with`, ...lines.map((line) => `  | ${line}`)]),
  ];
}

/** The tries of a test that the host has spoiled, a line each. */
export function hostLines({ hostErrors = [] }: Pick<TestRecord, 'hostErrors'>): string[] {
  return hostErrors.map((attempt) => `tried again after trouble of the host: ${troubleMessage(attempt)}`);
}

/** Why a test is not fine, in one line. */
export function troubleMessage({
  error,
  failures,
  outcome,
}: Pick<TestRecord, 'error' | 'failures' | 'outcome'>): string {
  return (error?.message ?? failures.map(failureLine).join('; ')) || outcome;
}

/** All that is known of a test that is not fine. */
export function troubleText(test: Pick<TestRecord, 'error' | 'failures' | 'position' | 'history'>): string {
  const { error, failures, position } = test;
  const texts = [
    ...(error ? [`${errorText(error)}\nat ${placeOf(position)}`] : []),
    ...failures.map(failureText),
    ...historyText(test),
  ];
  return texts.join('\n\n');
}

/** What earlier runs say of a failure; nothing where they say nothing. */
export function historyText({ history }: Pick<TestRecord, 'history'>): string[] {
  if (!history) return [];
  const run = `run ${history.since.id} of ${minuteOf(history.since.started)}`;
  return [history.status === 'new' ? `new failure: it passed in ${run}` : `known failure since ${run}`];
}

/** What may explain the failures: the last good run, and what is different since. */
export function changesText({ history }: Pick<RunRecord, 'history'>): string[] {
  if (!history) return [];
  const { good, changes } = history;
  const head = `last good: run ${good.id} of ${minuteOf(good.started)}`;
  if (changes.length === 0) return [`${head}; tools, images, machines, kernels and suites are the same`];
  return [`${head}; different since:`, ...changes.map(({ what, before, now }) => `  ${what}: ${before} -> ${now}`)];
}

/** A time to the minute, as reports show it. */
export function minuteOf(time: string): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** The end of an allowance that would have covered a finding. */
export function expiryOf({ expired }: HealthFinding): string {
  return expired === undefined ? '' : ` (its allowance ended on ${expired})`;
}

/** What the commands of a test printed. */
export function commandsText(commands: TestRecord['commands']): string {
  return commands
    .map(({ run, exitCode, stdout, stderr }) =>
      [`$ ${run}`, stdout.trimEnd(), stderr.trimEnd(), `exit: ${exitCode ?? 'none'}`]
        .filter((s) => s !== '')
        .join('\n'),
    )
    .join('\n\n');
}
