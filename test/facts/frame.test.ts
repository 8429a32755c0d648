import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFrames } from '../../src/facts/frame.ts';

const MARK = 'f00d';
const bytes = fc.uint8Array({ maxLength: 200 }).map((a) => Buffer.from(a));
const word = fc.stringMatching(/^[a-z0-9.]{1,12}$/);
const fragment = fc.record({ parts: fc.array(fc.tuple(word, bytes), { maxLength: 5 }), status: fc.nat(255) });

const say = (text: string) => Buffer.from(`\n@${MARK} ${text}\n`);

test('whatever bytes the parts hold, they come back', () => {
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 5 }), bytes, (fragments, noise) => {
      const output = Buffer.concat([
        noise,
        ...fragments.flatMap(({ parts, status }, i) => [
          say(`begin ${i}`),
          ...parts.flatMap(([label, data]) => [say(`part ${label}`), data]),
          say(`end ${i} ${status}`),
        ]),
      ]);
      fc.pre(
        output.toString('latin1').split(`@${MARK} `).length ===
          1 + fragments.reduce((n, f) => n + 2 + f.parts.length, 0),
      );
      const { frames, broken } = parseFrames(output, MARK, fragments.length);
      expect(broken).toBeUndefined();
      expect(frames).toEqual(
        fragments.map(({ parts, status }) => ({ status, parts: parts.map(([label, data]) => ({ label, data })) })),
      );
    }),
  );
});

test('no output, however mangled, is believed without its end or makes the parser throw', () => {
  const piece = fc.oneof(
    bytes,
    fc.constantFrom('begin 0', 'begin 1', 'part a', 'end 0 0', 'end 1 0', 'end 0 x', 'end', 'nonsense').map(say),
    fc.constant(Buffer.from(`\n@${MARK} `)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const { frames, broken } = parseFrames(Buffer.concat(pieces), MARK, 2);
      expect(frames).toHaveLength(2);
      if (broken !== undefined) expect(frames).toEqual([undefined, undefined]);
    }),
  );
});
