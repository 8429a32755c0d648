import colors from 'picocolors';
import { printable } from '../core/index.ts';
import type { Outcome } from '../schema/index.ts';

/** The colours and signs of text for a terminal. Without colour the signs alone carry the meaning. */
export type Style = ReturnType<typeof styleOf>;

const SIGNS: Record<Outcome, string> = {
  passed: '✓',
  failed: '✗',
  flaky: '≈',
  error: '!',
  timeout: '⏱',
  skipped: '○',
  xfailed: '×',
  xpassed: '✗',
};

export function styleOf(color: boolean) {
  const c = colors.createColors(color);
  const paint: Record<Outcome, (text: string) => string> = {
    passed: c.green,
    failed: c.red,
    flaky: c.yellow,
    error: c.magenta,
    timeout: c.red,
    skipped: c.dim,
    xfailed: c.dim,
    xpassed: c.red,
  };
  return {
    bold: c.bold,
    dim: c.dim,
    good: c.green,
    bad: c.red,
    warn: c.yellow,
    outcome: (outcome: Outcome, text: string) => paint[outcome](text),
    sign: (outcome: Outcome) => paint[outcome](SIGNS[outcome]),
  };
}

/** A list of lines, each moved to the right. Texts of the guest are made fit for a terminal here. */
export function indent(text: string, by: number): string[] {
  return printable(text)
    .split('\n')
    .map((line) => (line === '' ? '' : ' '.repeat(by) + line));
}
