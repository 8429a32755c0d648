import colors from 'picocolors';
import { formatSize } from '../../core/index.ts';
import { type Inspection, type Row, sections } from '../../inspect/index.ts';
import { alignRows } from './table.ts';

const WIDEST_CELL = 48;
const WIDEST_LAST = 120;
const MOST_ROWS = 60;

/** An inspection for people: a block for each section, its rows in columns. Trouble is marked. Pure. */
export function renderInspection(found: Inspection, { color }: { color: boolean }): string {
  const c = colors.createColors(color);
  const files = found.files.map(({ path, format }) => `${path} (${format})`).join(' on ');
  const blocks = [
    [c.bold(found.image), c.dim([formatSize(found.size), found.table, files].filter(Boolean).join(', '))].join('  '),
  ];
  for (const { name, title, rows } of sections) {
    const value = found.sections[name];
    if (value === undefined) continue;
    const all = rows(value);
    const shown = all.slice(0, MOST_ROWS);
    const more =
      all.length > MOST_ROWS ? [`  ${c.dim(`… ${all.length - MOST_ROWS} more, all of them with --json`)}`] : [];
    const lines = columns(shown).map((line) => `  ${line.includes('! ') ? c.yellow(line) : line}`);
    blocks.push([c.bold(title), ...lines, ...more].join('\n'));
  }
  const notes = found.diagnostics.map(({ section, message }) => `  ${section}: ${cut(message, WIDEST_LAST)}`);
  if (notes.length > 0) blocks.push([c.bold('Not read, or odd'), ...notes.map((note) => c.yellow(note))].join('\n'));
  return `${blocks.join('\n\n')}\n`;
}

/** Rows of several cells in columns; a cell that is alone in its row is no part of them. */
function columns(rows: readonly Row[]): string[] {
  const widest = Math.max(0, ...rows.map((row) => row.length));
  const cells = rows.map((row) =>
    row.map((cell, i) => cut(cell.replace(/[\t\r\n]+/g, ' '), i < row.length - 1 ? WIDEST_CELL : WIDEST_LAST)),
  );
  const tabular = cells.filter((row) => row.length > 1).map((row) => [...row, ...Array(widest - row.length).fill('')]);
  const aligned = alignRows(tabular).split('\n');
  return cells.map((row) => (row.length > 1 ? (aligned.shift() ?? '') : (row[0] ?? '')));
}

const cut = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);
