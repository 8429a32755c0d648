// Writes a run as TAP 14 (testanything.org/tap-version-14-specification): one subtest for each suite, for the guests
// and for the run itself. Not used: pragmas, nested subtests. What TAP calls TODO is gvm's xfail.

import { clip, printable } from '../core/index.ts';
import type { RunRecord } from '../schema/index.ts';
import { type Case, type CaseGroup, casesOf, isTrouble, placeOfCase } from './cases.ts';
import type { Reporter } from './reporter.ts';

const LONGEST = 16 * 1024;

export const tap: Reporter = {
  name: 'tap',
  about: 'TAP 14, in results.tap',
  outputs: [{ to: { file: 'results.tap' }, render: renderTap }],
};

/** A run as TAP 14. Pure. */
export function renderTap(run: RunRecord): string {
  const groups = casesOf(run);
  const lines = ['TAP version 14', `1..${groups.length}`];
  for (const [index, group] of groups.entries()) lines.push(...groupLines(group, index + 1));
  if (run.interrupted) lines.push(`Bail out! ended by ${run.interrupted}`);
  return `${lines.join('\n')}\n`;
}

function groupLines({ name, cases }: CaseGroup, number: number): string[] {
  const inner = [`1..${cases.length}`, ...cases.flatMap((one, index) => caseLines(one, index + 1))];
  const verdict = cases.some(isTrouble) ? 'not ok' : 'ok';
  return [`# Subtest: ${title(name)}`, ...inner.map((line) => `    ${line}`), `${verdict} ${number} - ${title(name)}`];
}

function caseLines(one: Case, number: number): string[] {
  const { outcome, message = '' } = one;
  const verdict = isTrouble(one) || outcome === 'xfailed' ? 'not ok' : 'ok';
  const directive =
    outcome === 'skipped' ? ` # SKIP ${title(message)}` : outcome === 'xfailed' ? ` # TODO ${title(message)}` : '';
  return [`${verdict} ${number} - ${title(one.name)}${directive}`.trimEnd(), ...diagnostics(one)];
}

/** A YAML block; every value is a JSON string or number, which YAML 1.2 reads alike. */
function diagnostics(one: Case): string[] {
  if (one.outcome === 'skipped') return [];
  const entries: [string, string | number | undefined][] = [
    ['duration_ms', Math.round(one.ms)],
    ['outcome', one.outcome],
    ['at', placeOfCase(one)],
    ['guest', one.guest],
    ['message', isTrouble(one) ? one.message : undefined],
    ['details', one.text],
  ];
  const lines = entries.flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${typeof value === 'number' ? value : JSON.stringify(fit(value))}`],
  );
  return ['---', ...lines, '...'].map((line) => `  ${line}`);
}

function fit(text: string): string {
  return printable(clip(text, LONGEST));
}

/** A description in one line: a backslash and the sign that begins a directive are escaped. */
function title(text: string): string {
  return fit(text).replaceAll(/\s+/g, ' ').trim().replaceAll('\\', '\\\\').replaceAll('#', '\\#');
}
