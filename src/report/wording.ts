import type { Failure, RunError, TestRecord } from '../schema/index.ts';

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
export function errorText({ code, message, hint, blame }: RunError): string {
  return [`${message} (${code}, blame: ${blame})`, ...(hint === undefined ? [] : [`hint: ${hint}`])].join('\n');
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
