import { z } from 'zod';
import { equality } from './equality.ts';
import { literals } from './literals.ts';
import { type Compare, type Matcher, type Mismatch, mismatch, under, type ValueKind } from './matcher.ts';

/** What may stand as an expected value in a suite: the literal, or an object of matchers that must all hold. */
export type Expected<Literal> = Literal | Record<string, unknown>;

/** Schemas of expectations and the comparison that goes with them, both made of one list of matchers. */
export interface Expectations {
  string: z.ZodType<Expected<string>>;
  number: z.ZodType<Expected<number>>;
  /** Bytes. */
  size: z.ZodType<Expected<number>>;
  /** Milliseconds. */
  duration: z.ZodType<Expected<number>>;
  /** Text of the guest that may be meant as a number: a number is compared as one, text as text. */
  scalar: z.ZodType<Expected<string | number>>;
  list: z.ZodType<Expected<string[]>>;
  text: z.ZodType<Expected<string | unknown[]>>;
  compare: Compare;
}

const KINDS: Record<ValueKind, { literal: (nested: z.ZodType) => z.ZodType[]; title: string; says: string }> = {
  string: { literal: () => [literals.string], title: 'String', says: 'expected text or a matcher' },
  number: { literal: () => [literals.number], title: 'Number', says: 'expected a number or a matcher' },
  size: { literal: () => [literals.size], title: 'Size', says: 'expected a size such as 512M or a matcher' },
  duration: {
    literal: () => [literals.duration],
    title: 'Duration',
    says: 'expected a duration such as 5s or a matcher',
  },
  scalar: { literal: () => [literals.scalar], title: 'Scalar', says: 'expected text, a number or a matcher' },
  list: {
    literal: () => [literals.list],
    title: 'List',
    says: 'expected a list (exactly that set; [] means none) or a matcher',
  },
  text: {
    literal: (matchers) => [
      z.string(),
      z
        .array(z.union([z.string().min(1), matchers]))
        .min(1, 'an empty list of patterns asserts nothing; for empty output write ""'),
    ],
    title: 'Text',
    says: 'expected text, a list of patterns or a matcher',
  },
};

/** Builds the expectations that a list of matchers makes possible. */
export function expectations(matchers: readonly Matcher[]): Expectations {
  const schemas = new Map<ValueKind, z.ZodType>();
  const expectation = (kind: ValueKind): z.ZodType => z.lazy(() => schemaOf(kind));
  const schemaOf = (kind: ValueKind): z.ZodType => {
    const known = schemas.get(kind);
    if (known) return known;
    const shape = matchers
      .filter((m) => m.kinds.includes(kind))
      .map((m) => [m.key, m.argument(kind, expectation).optional().meta({ description: m.description })] as const);
    const { literal, title, says } = KINDS[kind];
    const object = z
      .strictObject(Object.fromEntries(shape))
      .refine((value) => Object.keys(value).length > 0, 'an empty matcher asserts nothing')
      .meta({ id: `${title}Matcher`, minProperties: 1 });
    const schema = z.union([...literal(object), object], { error: says }).meta({ id: `Expected${title}` });
    schemas.set(kind, schema);
    return schema;
  };
  const compare: Compare = (kind, actual, expected) => {
    if (expected === null || typeof expected !== 'object' || Array.isArray(expected))
      return equality(kind, actual, expected, compare);
    return Object.entries(expected).flatMap(([key, argument]) => apply(key, kind, actual, argument));
  };
  const apply = (key: string, kind: ValueKind, actual: unknown, argument: unknown): Mismatch[] => {
    const matcher = matchers.find((m) => m.key === key);
    if (!matcher) return mismatch(`there is no matcher ${key}`, key, '');
    return under(key, matcher.match(kind, actual, argument, compare));
  };
  return {
    string: schemaOf('string') as Expectations['string'],
    number: schemaOf('number') as Expectations['number'],
    size: schemaOf('size') as Expectations['size'],
    duration: schemaOf('duration') as Expectations['duration'],
    scalar: schemaOf('scalar') as Expectations['scalar'],
    list: schemaOf('list') as Expectations['list'],
    text: schemaOf('text') as Expectations['text'],
    compare,
  };
}
