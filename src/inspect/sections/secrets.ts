import { defineSection, type Told, type Zod } from '../section.ts';

// What should not be in an image that is handed on, by place and kind. The secret itself is never shown.

const schema = (z: Zod) => z.array(z.strictObject({ path: z.string(), kind: z.string() }));

export const secretsSection = defineSection<Told<typeof schema>>({
  name: 'secrets',
  title: 'Secrets left behind',
  schema,
  async read({ census }) {
    const { secrets } = await census();
    return secrets.length === 0 ? undefined : secrets;
  },
  rows: (secrets) => secrets.map(({ path, kind }) => [`! ${kind}`, path]),
});
