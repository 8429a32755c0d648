import { printable } from '../core/index.ts';
import type { Failure } from '../schema/index.ts';
import type { Style } from './style.ts';

const WIDTH = 100;
const BEFORE = 60;

/** The line of the suite that failed with a caret under the place; a long line is cut around it. */
export function codeFrame({ position, source }: Failure, style: Style): string[] {
  if (!position || source === undefined) return [];
  const from = position.column > WIDTH ? position.column - BEFORE : 0;
  const lead = printable(source.slice(from, position.column - 1)).replaceAll('\t', ' ');
  const rest = printable(source.slice(position.column - 1, from + WIDTH)).replaceAll('\t', ' ');
  const number = String(position.line);
  const gap = ' '.repeat(number.length);
  const mark = from > 0 ? '…' : '';
  return [
    `${style.bad('❯')} ${style.dim(`${number} │`)} ${mark}${lead}${rest}`,
    `  ${style.dim(`${gap} │`)} ${' '.repeat(mark.length + lead.length)}${style.bad('^')}`,
  ];
}
