// Draws horizontal bars as an SVG that can be read on a light and on a dark page.

const LEFT = 190;
const WIDTH = 760;
const ROW = 34;
const TOP = 48;

const markup = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** @param bars each with a name, a value and marks, all in one unit */
export function barsOf({ title, bars, note }) {
  const most = Math.max(...bars.flatMap(({ value, marks }) => [value, ...marks]));
  const x = (value) => LEFT + (value / most) * (WIDTH - LEFT - 70);
  const height = TOP + bars.length * ROW + 34;
  const rows = bars.map(({ name, value, marks }, i) => {
    const y = TOP + i * ROW;
    const ticks = marks.map((mark) => `<path class="mark" d="M${x(mark).toFixed(1)} ${y - 3}v24"/>`).join('');
    const end = Math.max(x(value), ...marks.map(x)) + 8;
    return `<text x="${LEFT - 10}" y="${y + 14}" text-anchor="end">${markup(name)}</text>
<rect class="bar" x="${LEFT}" y="${y}" width="${(x(value) - LEFT).toFixed(1)}" height="18" rx="2"/>${ticks}
<text x="${end.toFixed(1)}" y="${y + 14}">${value.toFixed(2)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${markup(title)}">
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.note { font-size: 11px; }
.bar { fill: #4078c8; }
.mark { stroke: #a03500; stroke-width: 2; fill: none; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .bar { fill: #6ea0e8; } .mark { stroke: #ffb070; } }
</style>
<text class="title" x="10" y="22">${markup(title)}</text>
${rows.join('\n')}
<text class="note" x="10" y="${height - 12}">${markup(note)}</text>
</svg>
`;
}
