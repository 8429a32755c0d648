import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GvmError } from '../errors/index.ts';
import { type RunRecord, runSchema } from '../schema/index.ts';

/**
 * The run whose reports lie in a folder.
 * @throws GvmError `file-missing` where there is none, `document-invalid` where run.json is none of ours
 */
export async function readRun(folder: string): Promise<RunRecord> {
  const file = join(folder, 'run.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new GvmError({
      code: 'file-missing',
      message: `no run was reported to ${folder}: it holds no run.json`,
      hint: 'gvm test writes one; gvm test --output DIR says where',
    });
  });
  const invalid = (why: string) => new GvmError({ code: 'document-invalid', message: `${file}: ${why}` });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid((error as Error).message);
  }
  const { success, data, error } = runSchema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw invalid(`${issue?.path.map(String).join('.')}: ${issue?.message}`);
}
