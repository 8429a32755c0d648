import { z } from 'zod';
import { type FactSchema, factsSchema } from './facts.ts';
import { hostReportSchema } from './host.ts';
import { machineSchema } from './machine.ts';
import { projectSchema } from './project.ts';
import { recipeSchema } from './recipe.ts';
import { runSchema } from './run.ts';
import { shardsSchema } from './shards.ts';
import { packageListSchema, storedImageSchema } from './stored-image.ts';
import { suiteSchema } from './suite.ts';
import type { CheckSchema } from './test.ts';

/** What a registry adds to the schemas. */
export interface SchemaSources {
  checks: readonly CheckSchema[];
  facts: readonly FactSchema[];
}

/** Every document of gvm by the name under which `gvm schema` prints it. */
export function documentSchemas({ checks, facts }: SchemaSources): Readonly<Record<string, z.ZodType>> {
  return {
    suite: suiteSchema(checks),
    machine: machineSchema,
    project: projectSchema,
    run: runSchema,
    facts: factsSchema(facts),
    host: hostReportSchema,
    recipe: recipeSchema,
    image: storedImageSchema,
    packages: packageListSchema,
    shards: shardsSchema,
  };
}

/** A document's schema as JSON Schema (draft 2020-12) of what is written, before gvm converts sizes and durations. */
export function toJsonSchema(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
}
