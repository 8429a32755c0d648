import { z } from 'zod';
import { identitySchema } from './identity.ts';
import { machineSchema } from './machine.ts';
import { matrixSchema } from './matrix.ts';
import { name } from './scalar.ts';
import { type CheckSchema, needs, type StepDocument, type TestDocument, tags, testSchemas } from './test.ts';

// A suite file (design §5). Which checks there are is said by the registry that is passed in.

const variable = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'expected the name of a variable: lower-case letters, digits, "_" and "-"');
const scalar = z.union([z.string(), z.number(), z.boolean()], { error: 'expected text, a number, true or false' });
const fromEnvironment = z
  .strictObject({
    env: z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable'),
    default: scalar.optional().meta({ description: 'where the environment has none' }),
    secret: z.boolean().optional().meta({ description: 'masked in everything that is shown and written' }),
  })
  .refine(
    (value) => !(value.secret && value.default !== undefined),
    'a secret has no default: it would stand in the file',
  )
  .meta({ id: 'FromEnvironment' });

const several = z.array(scalar).min(1, 'a list without values leaves no test').max(100);
const variableValue = z.union([scalar, several, fromEnvironment], {
  error: 'expected text, a number, true, false, a list of such, or { env: NAME }',
});

const channelKey = z.enum(['ssh', 'console', 'auto']);

const suiteKeys = {
  version: z.literal(1).optional(),
  suite: name.meta({ description: 'the name of the suite' }),
  image: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'a recipe, a stored image or a file; "default" is that of gvm.yaml' }),
  machine: machineSchema.optional(),
  matrix: matrixSchema.optional().meta({ description: 'machine variants; an axis replaces that of gvm.yaml' }),
  channel: channelKey.optional().meta({
    description: 'how commands get in: ssh, console (virtio-serial ports), or auto: ssh where the guest has a network',
  }),
  isolation: z.enum(['file', 'fork', 'shared']).default('file').meta({
    description:
      'file: a guest for this file alone; fork: a pristine guest for each test; shared: one guest for all such files of image and machine',
  }),
  identity: identitySchema.optional().meta({
    description: 'with isolation: fork: what each fork has of its own, beside its clock and its entropy',
  }),
  tags: tags.optional(),
  vars: z.record(variable, variableValue).optional().meta({
    description: 'values that any text of the suite can mention; a test is run once for each value of a list',
  }),
  needs: needs.optional(),
};

export type ChannelKey = z.output<typeof channelKey>;

export const baseSuite = z.strictObject(suiteKeys);

export type SuiteDocument = z.output<typeof baseSuite> & {
  files?: Record<string, unknown>[];
  setup?: StepDocument[];
  tests: TestDocument[];
  teardown?: StepDocument[];
};

/** The schema of suites in which exactly these checks can be used. */
export function suiteSchema(checks: readonly CheckSchema[]): z.ZodType<SuiteDocument> {
  const { test, steps } = testSchemas(checks);
  const files = checks.find((check) => check.name === 'upload');
  const disruptive = checks.filter((check) => check.disruptive).map((check) => check.name);
  return z
    .strictObject({
      ...suiteKeys,
      ...(files === undefined
        ? {}
        : {
            files: z
              .array(files.schema)
              .min(1, 'an empty list copies nothing')
              .optional()
              .meta({ description: 'copied into the guest before its setup' }),
          }),
      setup: steps
        .optional()
        .meta({ description: 'steps that run once before the tests; where one fails no test runs' }),
      tests: z.array(test).min(1, 'a suite without tests asserts nothing').max(10_000),
      teardown: steps.optional().meta({ description: 'steps that run once after the tests, whatever came of them' }),
    })
    .superRefine((value, context) => {
      const suite = value as SuiteDocument;
      for (const issue of sameNames(suite.tests)) context.addIssue(issue);
      if (suite.isolation !== 'fork' && suite.identity !== undefined) {
        const message = 'is renewed in forks alone (isolation: fork)';
        context.addIssue({ code: 'custom', path: ['identity'], message });
      }
      if (suite.isolation === 'fork' && suite.teardown !== undefined) {
        const message = 'has nothing to do: a fork is thrown away after its test';
        context.addIssue({ code: 'custom', path: ['teardown'], message });
      }
      if (suite.isolation !== 'shared') return;
      for (const [path, step] of allSteps(suite)) {
        const kind = ['milestone', ...disruptive].find((name) => name in step);
        if (kind === undefined) continue;
        const message = `would disturb the other suites of a shared guest; set isolation: file`;
        context.addIssue({ code: 'custom', path: [...path, kind], message });
      }
    })
    .meta({ title: 'gvm suite', description: 'what is expected of a booted image' }) as z.ZodType<SuiteDocument>;
}

function sameNames(tests: readonly TestDocument[]) {
  const first = new Set<string>();
  return tests.flatMap(({ name }, i) => {
    const before = first.has(name);
    first.add(name);
    const message = 'a test before it has the same name';
    return before ? [{ code: 'custom' as const, path: ['tests', i, 'name'], message }] : [];
  });
}

function allSteps(suite: SuiteDocument): [path: (string | number)[], step: StepDocument][] {
  const below = (path: (string | number)[], steps: readonly StepDocument[] = []) =>
    steps.map((step, i): [(string | number)[], StepDocument] => [[...path, i], step]);
  return [
    ...below(['setup'], suite.setup),
    ...suite.tests.flatMap((test, i) => below(['tests', i, 'steps'], test.steps)),
    ...below(['teardown'], suite.teardown),
  ];
}
