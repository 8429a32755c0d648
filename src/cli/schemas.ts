import { inspectionSchema } from '../inspect/schema.ts';
import { documentSchemas, toJsonSchema } from '../schema/index.ts';
import { builtins, type Registry, schemaSources } from '../suite/index.ts';

/** The documents that have a published schema. Built when asked for: most commands never do. */
const documents = (registry: Registry) => ({
  ...documentSchemas(schemaSources(registry)),
  inspect: inspectionSchema,
});

export function schemaNames(): string[] {
  return Object.keys(documents(builtins));
}

/** The JSON Schema of a document, with the kinds of a registry. */
export function emitSchema(name: string, registry: Registry = builtins): Record<string, unknown> {
  const schema = Object.entries(documents(registry)).find(([known]) => known === name)?.[1];
  if (!schema) throw new RangeError(`no document is called ${name}`);
  return toJsonSchema(schema);
}
