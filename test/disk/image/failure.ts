import { openImage } from '../../../src/disk/index.ts';
import { type GvmError, isGvmError } from '../../../src/errors/index.ts';

/** The error with which an image is refused. */
export async function failure(path: string, options: Parameters<typeof openImage>[1] = {}): Promise<GvmError> {
  const thrown = await openImage(path, options).catch((error: unknown) => error);
  if (!isGvmError(thrown)) throw new Error(`expected a GvmError, got ${String(thrown)}`);
  return thrown;
}
