// Reads the marked output of the collector's script: begin N, part LABEL …, end N STATUS, each mark on a line of its own
// after an empty one. The mark is random for each collection, so text of the guest meets it only on purpose.
// Anything out of order breaks the whole reading: then no answer of it is believed.
import type { Part } from './fact.ts';

export interface Frame {
  parts: Part[];
  status: number;
}

export interface Frames {
  /** By the number of the fragment; absent where its end did not come. */
  frames: (Frame | undefined)[];
  /** Why nothing of the output can be believed. */
  broken: string | undefined;
}

const MARK_LINE = 160;
const MAX_PARTS = 100_000;

export function parseFrames(output: Buffer, mark: string, count: number): Frames {
  const frames: (Frame | undefined)[] = Array.from({ length: count }, () => undefined);
  const broken = (what: string): Frames => ({ frames: frames.fill(undefined), broken: `is not believed: ${what}` });
  const lead = Buffer.from(`\n@${mark} `);
  let open: { number: number; parts: Part[]; label: string; from: number } | undefined;
  let next = 0;
  let total = 0;
  for (let at = output.indexOf(lead); at >= 0; ) {
    const end = output.indexOf('\n', at + lead.length);
    if (end < 0) break;
    if (end - at > MARK_LINE) return broken('a mark is followed by too much text');
    const [verb, first, second] = output.toString('latin1', at + lead.length, end).split(' ');
    const body = output.subarray(open?.from ?? at, at);
    if (verb === 'begin') {
      if (open || first !== String(next)) return broken(`fragment ${first} begins where ${next} was expected`);
      open = { number: next, parts: [], label: '', from: end + 1 };
    } else if (verb === 'part' || verb === 'end') {
      if (!open) return broken(`a mark "${verb}" stands outside of any fragment`);
      if (open.label !== '' || body.length > 0) open.parts.push({ label: open.label, data: body });
      if (++total > MAX_PARTS) return broken('there are too many parts');
      open.label = first ?? '';
      open.from = end + 1;
      if (verb === 'end') {
        if (first !== String(open.number) || !/^\d{1,3}$/.test(second ?? ''))
          return broken(`fragment ${open.number} ends as ${first}`);
        frames[open.number] = { parts: open.parts, status: Number(second) };
        open = undefined;
        next++;
      }
    } else {
      return broken(`a mark says "${verb}"`);
    }
    // Marks follow one another directly where a part is empty: the newline that ends one also leads the next.
    at = output.indexOf(lead, end);
  }
  return { frames, broken: undefined };
}
