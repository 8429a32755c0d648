import { formatDuration } from '../../core/index.ts';
import type { BootRecord } from '../../schema/index.ts';
import { html, type Markup, type Part } from './markup.ts';

const WIDTH = 1000;
const HEIGHT = 28;

interface Span {
  name: string;
  from: number;
  to: number;
}

/** The parts of a boot, one after another: the stages as the console showed them, then the wait until init settled. */
function spansOf({ stages, sshMs, readyMs }: BootRecord): Span[] {
  const marks = stages.map(({ stage, atMs }) => ({ name: stage as string, at: atMs }));
  if (sshMs !== undefined) marks.push({ name: 'settling', at: sshMs });
  marks.sort((a, b) => a.at - b.at);
  const [first] = marks;
  if (first && first.at > 0 && first.name !== 'qemu') marks.unshift({ name: 'qemu', at: 0 });
  const end = readyMs ?? sshMs;
  return marks.flatMap(({ name, at }, i) => {
    const to = marks[i + 1]?.at ?? end ?? at;
    return to > at || i === marks.length - 1 ? [{ name, from: at, to: Math.max(to, at) }] : [];
  });
}

/** Milliseconds from the start of QEMU to the last thing known of a boot. */
export function lengthOf(boot: BootRecord): number {
  return Math.max(0, ...spansOf(boot).map((span) => span.to));
}

/**
 * A boot drawn as a line of its stages, with a legend that says the same in words.
 * @param scale milliseconds of the whole width, so that several guests can be compared
 */
export function timeline(boot: BootRecord, scale: number): Markup {
  const spans = spansOf(boot);
  if (spans.length === 0) return html`<p class="note">nothing is known of its boot</p>`;
  const died = boot.outcome === 'failed' || boot.outcome === 'timeout';
  const x = (ms: number) => Math.round((ms / Math.max(scale, 1)) * WIDTH * 10) / 10;
  const bars: Part[] = spans.map(
    ({ name, from, to }) =>
      html`<rect class="stage ${name}" x="${x(from)}" y="0" width="${Math.max(x(to) - x(from), 2)}" height="${HEIGHT}"><title>${name}: ${formatDuration(to - from)}</title></rect>`,
  );
  const end = spans.at(-1)?.to ?? 0;
  if (died)
    bars.push(html`<rect class="death" x="${Math.min(x(end), WIDTH - 6)}" y="0" width="6" height="${HEIGHT}"></rect>`);
  const words = spans.map(({ name, from, to }) => `${name} from ${formatDuration(from)} to ${formatDuration(to)}`);
  return html`<figure class="timeline">
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="boot: ${words.join(', ')}${died && ', then it died'}">${bars}</svg>
<figcaption>${spans.map(
    ({ name, from, to }, i) =>
      html`<span><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="stage ${name}" width="10" height="10"></rect></svg> ${name} ${died && i === spans.length - 1 ? html`<b class="bad">died</b> after ${formatDuration(to)}` : formatDuration(to - from)}</span> `,
  )}</figcaption>
</figure>`;
}
