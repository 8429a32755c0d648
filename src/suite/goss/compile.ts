import { GvmError } from '../../errors/index.ts';
import { loadDocument, suiteSchema } from '../../schema/index.ts';
import type { Registry } from '../check.ts';
import { planOf, schemaSources } from '../compile.ts';
import type { SuitePlan } from '../plan.ts';
import { translateGoss } from './translate.ts';

/** The ends of names of goss files. */
export const gossSuffixes = ['goss.yaml', 'goss.yml'] as const;

export function isGoss(file: string): boolean {
  return gossSuffixes.some((suffix) => file.endsWith(suffix));
}

/**
 * Makes a plan of a goss file: a test for each of its resources.
 * @throws GvmError `document-syntax`, `document-invalid` naming what gvm has no equal for
 */
export function compileGoss(text: string, file: string, registry: Registry): SuitePlan {
  const line = text.split('\n').findIndex((own) => own.includes('{{')) + 1;
  if (line > 0)
    throw new GvmError({
      code: 'document-invalid',
      message: 'a template: gvm reads goss files that have none',
      hint: '`goss render` writes the file without templates',
      position: { file, line, column: (text.split('\n')[line - 1] ?? '').indexOf('{{') + 1 },
    });
  const name = nameOf(file);
  const document = loadDocument(text, file, suiteSchema(schemaSources(registry).checks), (raw) =>
    translateGoss(raw, name),
  );
  return planOf(document, text, registry, []);
}

/** A suite is named in its file; a goss file is not, so it is called by its path. */
function nameOf(file: string): string {
  const own = file
    .replace(/\.ya?ml$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-');
  return own.slice(-64).replace(/^[^a-z0-9]+/, '') || 'goss';
}
