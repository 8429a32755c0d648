import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { isGvmError } from '../../src/errors/index.ts';
import { duration, loadDocument, machineSchema, size } from '../../src/schema/index.ts';

const anything = z.record(z.string(), z.unknown());

test('a place is that of the value on the line of its key, else that of the key', () => {
  const text = `a: 1
b:
  c: [x, "y"]
  d:
    - e: |
        text
    - f
"g h": &anchor { i: null }
j: *anchor
k:
`;
  const document = loadDocument(text, 'f.yaml', anything);
  const at = (...path: (string | number)[]) => {
    const { line, column } = document.position(path);
    return `${line}:${column}`;
  };
  expect({
    root: at(),
    a: at('a'),
    b: at('b'),
    list: at('b', 'c'),
    item: at('b', 'c', 1),
    nested: at('b', 'd'),
    first: at('b', 'd', 0),
    block: at('b', 'd', 0, 'e'),
    second: at('b', 'd', 1),
    quoted: at('g h', 'i'),
    alias: at('j'),
    empty: at('k'),
    missing: at('b', 'c', 7, 'x'),
    absent: at('no'),
  }).toEqual({
    root: '1:1',
    a: '1:4',
    b: '2:1',
    list: '3:6',
    item: '3:10',
    nested: '4:3',
    first: '5:7',
    block: '5:10',
    second: '7:7',
    quoted: '8:21',
    alias: '9:4',
    empty: '10:3',
    missing: '3:6',
    absent: '1:1',
  });
  expect(document.positionsBelow(['b', 'c'])).toEqual({
    '["b","c"]': [3, 6],
    '["b","c",0]': [3, 7],
    '["b","c",1]': [3, 10],
  });
  expect(document.positionsBelow(['absent'])).toEqual({});
});

test('scalars are those of YAML 1.2 core', () => {
  const { value } = loadDocument('a: yes\nb: 0o17\nc: 017\nd: 2020-01-01\ne: ~\nf: 1_000\n', 'f', anything);
  expect(value).toEqual({ a: 'yes', b: 15, c: 17, d: '2020-01-01', e: null, f: '1_000' });
});

test.each([
  ['a: 1\na: 2\n', 'document-syntax', '2:1: Map keys must be unique'],
  ['a: {b: 1, b: 2}\n', 'document-syntax', '1:11: Map keys must be unique'],
  [
    'a: [1\n',
    'document-syntax',
    '2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['a: *nope\n', 'document-syntax', '1:4: no anchor before it is called nope'],
  ['? [a]\n: 1\n', 'document-syntax', '1:3: a key is a plain word or text in quotes'],
  ['a: &a 1\n? *a\n: 2\n', 'document-syntax', '2:3: a key is a plain word or text in quotes'],
  ['\ta: 1\n', 'document-syntax', '1:1: Tabs are not allowed as indentation'],
])('%j is refused', (text, code, problem) => {
  try {
    loadDocument(text, 'f', anything);
    expect.unreachable();
  } catch (error) {
    if (!isGvmError(error)) throw error;
    expect(error.code).toBe(code);
    const { problems } = error.details as {
      problems: { position: { line: number; column: number }; message: string }[];
    };
    expect(problems.map((p) => `${p.position.line}:${p.position.column}: ${p.message}`).join('\n')).toContain(problem);
  }
});

test('what is nested too deeply, or has too many aliases, is refused', () => {
  const message = (text: string) => {
    try {
      loadDocument(text, 'f', anything);
    } catch (error) {
      return (error as Error).message.split('\n')[0];
    }
  };
  expect(message(`a: ${'['.repeat(5000)}`)).toBe('the document is nested too deeply');
  expect(message(`a: ${'['.repeat(5000)}${']'.repeat(5000)}`)).toBe('the document is nested too deeply');
  expect(message(`a: &a 1\nb: [${Array(101).fill('*a')}]`)).toBe('a document has at most 100 aliases');
});

test('aliases that grow without bound are refused', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  expect(() => loadDocument(lines.join('\n'), 'f', anything)).toThrowError(
    expect.objectContaining({ code: 'document-syntax' }),
  );
});

test('any text gives a document or an error of ours', () => {
  const fragment = fc.constantFrom(
    'a: ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '|',
    '\n',
    '  ',
    '&x ',
    '*x',
    '!!str ',
    '? ',
    ': ',
    '#',
    '---\n',
    '<<: ',
    '\t',
    '0644',
    'null',
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fragment, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 40 }),
      (pieces) => {
        try {
          const document = loadDocument(pieces.join(''), 'f', anything);
          document.positionsBelow([]);
        } catch (error) {
          if (!isGvmError(error)) throw error;
          expect(error.position?.line).toBeGreaterThan(0);
          expect(error.exitCode).toBe(2);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('sizes and durations are read with their units', () => {
  expect(machineSchema.parse({ memory: '1.5G', timeout: '2m' })).toEqual({ memory: 1.5 * 2 ** 30, timeout: 120_000 });
  for (const bad of ['1x', '', '-1G', 'G']) expect(size.safeParse(bad).success, bad).toBe(false);
  for (const bad of ['1', '1d', '-1s', '1 s s', 's']) expect(duration.safeParse(bad).success, bad).toBe(false);
});
