import { formatDuration, printable } from '../core/index.ts';
import type { GuestRecord, Outcome, RunRecord, SuiteRecord } from '../schema/index.ts';
import type { Style } from './style.ts';

/** The worst first. */
const WORST: readonly Outcome[] = ['error', 'timeout', 'failed', 'xpassed', 'flaky', 'passed', 'xfailed', 'skipped'];

interface Field {
  text: string;
  outcome?: Outcome;
}

/** The verdicts of a run with a matrix: a line for each cell, a column for each suite. Empty for a run without one. */
export function matrixTable({ suites, guests }: Pick<RunRecord, 'suites' | 'guests'>, style: Style): string[] {
  const inCells = suites.flatMap((suite) => (suite.cell ? [{ ...suite, cell: suite.cell }] : []));
  if (inCells.length === 0) return [];
  const cells = [...new Set(inCells.map(({ cell }) => cell.name))];
  const columns = [...new Set(inCells.map(({ cell }) => cell.suite))];
  const rows: Field[][] = [
    [...['cell', ...columns, 'kernel', 'ready after'].map((text) => ({ text }))],
    ...cells.map((name): Field[] => {
      const own = guests.filter((guest) => guest.cell === name);
      const verdicts = columns.map((column) => {
        const suite = inCells.find(({ cell }) => cell.name === name && cell.suite === column);
        return suite ? verdictOf(suite, own) : { text: '' };
      });
      return [{ text: name }, ...verdicts, { text: kernelsOf(own) }, { text: timesOf(own) }];
    }),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => printable(row[column]?.text ?? '').length)));
  return rows.map((row, index) => {
    const fields = row.map(({ text, outcome }, column) => {
      const padded = printable(text).padEnd(widths?.[column] ?? 0);
      return outcome === undefined ? (index === 0 ? style.dim(padded) : padded) : style.outcome(outcome, padded);
    });
    return `  ${fields.join('  ')}`.trimEnd();
  });
}

function verdictOf({ tests }: SuiteRecord, guests: readonly GuestRecord[]): Field {
  const outcome = WORST.find((worst) => tests.some((test) => test.outcome === worst)) ?? 'skipped';
  const count = tests.filter((test) => test.outcome === outcome).length;
  if (outcome === 'error') {
    const dead = guests.find(({ boot }) => boot.outcome === 'failed' || boot.outcome === 'timeout');
    if (dead) return { outcome, text: `died in ${dead.boot.stage ?? 'qemu'}: ${dead.boot.cause ?? 'unknown'}` };
  }
  return { outcome, text: count === tests.length ? `${count} ${outcome}` : `${count} of ${tests.length} ${outcome}` };
}

const kernelsOf = (guests: readonly GuestRecord[]) =>
  [...new Set(guests.flatMap((guest) => guest.kernel ?? guest.kernelGiven?.release ?? []))].join(', ');

function timesOf(guests: readonly GuestRecord[]): string {
  const times = guests.flatMap(({ boot }) => (boot.readyMs === undefined ? [] : [boot.readyMs]));
  return times.length === 0 ? '' : formatDuration(Math.max(...times));
}
