import { documentSchemas, toJsonSchema } from '../schema/index.ts';
import { builtins, schemaSources } from '../suite/index.ts';

/** The documents that have a published schema. Built when asked for: most commands never do. */
const documents = () => documentSchemas(schemaSources(builtins));

export function schemaNames(): string[] {
  return Object.keys(documents());
}

/** The JSON Schema of a document. */
export function emitSchema(name: string): Record<string, unknown> {
  const schema = documents()[name];
  if (!schema) throw new RangeError(`no document is called ${name}`);
  return toJsonSchema(schema);
}
