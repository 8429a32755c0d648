import { expect, test } from 'vitest';
import { documentSchemas, toJsonSchema } from '../../src/schema/index.ts';
import { builtins, schemaSources } from '../../src/suite/index.ts';

const documents = documentSchemas(schemaSources(builtins));

test('every document has a JSON Schema with a title, whose patterns and references hold', () => {
  expect(Object.keys(documents)).toEqual(
    expect.arrayContaining(['suite', 'machine', 'project', 'run', 'facts', 'host']),
  );
  for (const [name, schema] of Object.entries(documents)) {
    const emitted = toJsonSchema(schema);
    expect(emitted, name).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: expect.any(String),
      type: 'object',
    });
    const text = JSON.stringify(emitted);
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g))
      expect(Object.keys(emitted.$defs as object), name).toContain(pointer);
    for (const [, pattern = ''] of text.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g))
      expect(() => new RegExp(JSON.parse(pattern), 'u'), pattern).not.toThrow();
  }
});

test('the schema of suites has every check of the registry and no other, and refuses unknown keys', () => {
  const emitted = toJsonSchema(documents.suite ?? expect.unreachable()) as {
    $defs: Record<string, { properties: object; additionalProperties: boolean; minProperties: number }>;
  };
  const { Test } = emitted.$defs;
  expect(Object.keys(Test?.properties ?? {})).toEqual([
    'name',
    'tags',
    'timeout',
    'eventually',
    'only_if',
    'skip',
    'xfail',
    'needs',
    'steps',
    ...builtins.checks.filter((check) => !check.step).map((check) => check.name),
  ]);
  const { Step } = emitted.$defs;
  expect(Object.keys(Step?.properties ?? {})).toEqual([...builtins.checks.map((check) => check.name), 'milestone']);
  for (const check of builtins.checks)
    expect(emitted.$defs[`${check.name}Check`], check.name).toMatchObject({
      // The symbols of a kernel configuration cannot be listed.
      additionalProperties: check.name === 'kconfig' ? expect.objectContaining({}) : false,
      minProperties: (check.subject === undefined ? 0 : 1) + (check.bare === undefined ? 1 : 0),
    });
});

test('a registry with fewer checks gives a schema with fewer keys', () => {
  const { suite, facts } = documentSchemas(
    schemaSources({ ...builtins, checks: builtins.checks.slice(0, 1), facts: builtins.facts.slice(0, 2) }),
  );
  const parse = (body: object) => suite?.safeParse({ suite: 's', tests: [{ name: 't', ...body }] }).success;
  expect(parse({ file: { path: '/a', exists: true } })).toBe(true);
  expect(parse({ kernel: { taint: 0 } })).toBe(false);
  expect(Object.keys((facts && toJsonSchema(facts).properties) ?? {})).toEqual(['file', 'service']);
});
