import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Part } from '../../src/facts/fact.ts';
import { builtinFacts, collect, type Fact } from '../../src/facts/index.ts';
import { samples } from './ask.ts';
import { localChannel } from './local-channel.ts';

// Every parser of a guest's text, held against what no well-behaved guest says.

/** Two questions, where a fact can be asked about several things. */
const requestsOf = (fact: Fact) => (samples[fact.name] ? [samples[fact.name], samples[fact.name]] : [{}]);

/** What each fact's fragment printed on this host. */
const real = new Map<string, Part[]>();

beforeAll(async () => {
  const spying = builtinFacts.map((fact) => ({
    ...fact,
    parse(output: Parameters<Fact['parse']>[0], requests: readonly unknown[]) {
      real.set(fact.name, [...output.parts]);
      return fact.parse(output, requests);
    },
  }));
  const requests = builtinFacts.map((f) => ({ fact: f.name, args: samples[f.name] ?? {} }));
  await collect(requests, { facts: spying, channel: localChannel(), timeout: 60_000 });
}, 60_000);

/** Whatever was printed, each question has one answer, which fits the schema or has none; and nothing throws. */
function holds(fact: Fact, parts: readonly Part[], status: number): void {
  const answers = fact.parse({ parts, stderr: '', status }, requestsOf(fact));
  expect(answers).toHaveLength(requestsOf(fact).length);
  for (const { value, diagnostics } of answers) {
    expect(Array.isArray(diagnostics)).toBe(true);
    if (value === undefined) expect(diagnostics.length).toBeGreaterThan(0);
  }
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b)),
  fc.string({ unit: 'binary', maxLength: 200 }).map((s) => Buffer.from(s)),
  fc
    .array(
      fc.constantFrom(
        '0',
        '1',
        '-1',
        'a',
        '/',
        ' ',
        '\n',
        '\n\n',
        '\t',
        ':',
        '=',
        '"',
        '\0',
        '{',
        '}',
        '[',
        ']',
        '<',
        '>',
      ),
    )
    .map((words) => Buffer.from(words.join(''))),
);

describe.each(builtinFacts.map((fact) => [fact.name, fact] as const))('%s', (_, fact) => {
  const labels = [
    ...new Set([...fact.fragment(requestsOf(fact)).matchAll(/\bpart ([\w.-]+)/g)].map(([, l]) => l ?? '')),
  ];
  const status = fc.constantFrom(0, 0, 0, 1, 127);

  test('takes any text in any of its parts', () => {
    const parts = fc.array(fc.record({ label: fc.constantFrom('', ...labels), data: bytes }), { maxLength: 12 });
    fc.assert(
      fc.property(parts, status, (list, code) => holds(fact, list, code)),
      { numRuns: 150 },
    );
  });

  test('takes a real answer that was damaged', () => {
    const parts = real.get(fact.name) ?? [];
    const damage = fc.record({
      part: fc.nat(Math.max(0, parts.length - 1)),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(40),
      by: bytes,
    });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), status, (damages, code) => {
        const list = parts.map((part) => ({ ...part }));
        for (const { part, at, length, by } of damages) {
          const hit = list[part];
          if (!hit) continue;
          const from = Math.floor(at * hit.data.length);
          hit.data = Buffer.concat([hit.data.subarray(0, from), by, hit.data.subarray(from + length)]);
        }
        holds(fact, list, code);
      }),
      { numRuns: 60 },
    );
  });
});
