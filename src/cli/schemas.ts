import { documentSchemas, toJsonSchema } from '../schema/index.ts';
import { builtins, schemaSources } from '../suite/index.ts';

const documents = documentSchemas(schemaSources(builtins));

/** The documents that have a published schema. */
export const schemaNames = Object.keys(documents);

/** The JSON Schema of a document. */
export function emitSchema(name: string): Record<string, unknown> {
  const schema = documents[name];
  if (!schema) throw new RangeError(`no document is called ${name}`);
  return toJsonSchema(schema);
}
