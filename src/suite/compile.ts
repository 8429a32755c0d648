import { createHash } from 'node:crypto';
import { GvmError } from '../errors/index.ts';
import {
  type LoadedDocument,
  loadDocument,
  type SchemaSources,
  type SuiteDocument,
  suiteSchema,
} from '../schema/index.ts';
import type { Registry } from './check.ts';
import { expandSuite } from './expand.ts';
import { expectations } from './matchers/expectations.ts';
import type { SuitePlan } from './plan.ts';
import { planTests } from './plan-tests.ts';

/** What a registry's checks and facts add to the schemas of documents. */
export function schemaSources(registry: Registry): SchemaSources {
  const expect = expectations(registry.matchers);
  const checks = registry.checks.map((check) => ({
    name: check.name,
    description: check.description,
    schema: check.schema(expect),
    subject: check.subject,
    bare: check.bare,
    short: check.short,
    step: check.step,
    disruptive: check.disruptive,
    contradiction: (declaration: never) => check.contradiction?.(declaration),
  }));
  return { checks, facts: registry.facts };
}

/**
 * Makes a plan of a suite's text. All problems are reported at once, each at file:line:column.
 * @param file the name that positions show
 * @param env where the suite's variables of the environment come from
 * @throws GvmError `document-syntax`, `document-invalid`
 */
export function compileSuite(
  text: string,
  file: string,
  registry: Registry,
  env: Readonly<Record<string, string | undefined>> = {},
): SuitePlan {
  let secrets: string[] = [];
  const document = loadDocument(text, file, suiteSchema(schemaSources(registry).checks), (raw) => {
    const expanded = expandSuite(raw, env);
    secrets = expanded.secrets;
    return expanded;
  });
  return planOf(document, text, registry, secrets);
}

/** The plan of a document that was read from a text. */
export function planOf(
  document: LoadedDocument<SuiteDocument>,
  text: string,
  registry: Registry,
  secrets: string[],
): SuitePlan {
  const { file } = document;
  const { suite, image, machine, matrix, channel = 'auto', isolation, identity, tags = [] } = document.value;
  return {
    key: file,
    name: suite,
    file,
    sha256: createHash('sha256').update(text).digest('hex'),
    ...(image === undefined ? {} : { image }),
    machine: machine ?? {},
    ...(matrix === undefined ? {} : { matrix }),
    channel,
    isolation,
    ...(identity === undefined ? {} : { identity }),
    tags,
    secrets,
    tests: planTests(document, text.split('\n'), registry),
    positions: {
      ...document.positionsBelow(['suite']),
      ...document.positionsBelow(['image']),
      ...document.positionsBelow(['machine']),
    },
  };
}

/**
 * Refuses suites of one run that have the same name: tests are told apart by `suite/name`.
 * @throws GvmError `document-invalid`
 */
export function refuseSameNames(plans: readonly SuitePlan[]): void {
  const first = new Map<string, SuitePlan>();
  for (const plan of plans) {
    const before = first.get(plan.name);
    if (!before) {
      first.set(plan.name, plan);
      continue;
    }
    const [line, column] = plan.positions['["suite"]'] ?? [1, 1];
    throw new GvmError({
      code: 'document-invalid',
      message: `suite: the name "${plan.name}" is taken by ${before.file}`,
      hint: 'give each suite of a project a name of its own',
      position: { file: plan.file, line, column },
    });
  }
}
