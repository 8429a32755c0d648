import { z } from 'zod';

/** What the schema of facts needs to know of a fact. */
export interface FactSchema {
  name: string;
  description: string;
  schema: z.ZodType;
}

/** The schema of what is learned of a guest: under the name of each fact its value, as far as it was asked for. */
export function factsSchema(facts: readonly FactSchema[]): z.ZodType {
  const shape = facts.map(
    (fact) => [fact.name, fact.schema.optional().meta({ description: fact.description })] as const,
  );
  return z
    .strictObject(Object.fromEntries(shape))
    .meta({ title: 'gvm facts', description: 'what can be learned of a guest' });
}
