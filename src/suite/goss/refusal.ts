import type { DocumentPath } from '../../schema/index.ts';

/** Something in a goss file that gvm has no equal for; `path` leads to it. */
export class Refusal extends Error {
  readonly path: DocumentPath;

  constructor(path: DocumentPath, message: string) {
    super(message);
    this.path = path;
  }
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

export function textOf(value: unknown, path: DocumentPath): string {
  if (typeof value === 'string') return value;
  throw new Refusal(path, `expected text, found ${JSON.stringify(value)}; write it in quotes`);
}

export function listOf(value: unknown, path: DocumentPath): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Refusal(path, `expected a list, found ${JSON.stringify(value)}`);
}
