import { GvmError } from '../../errors/index.ts';

/** The error for a package database that cannot be read. */
export function damaged(what: string): GvmError {
  return new GvmError({ code: 'corrupt', message: `the database of rpm is damaged: ${what}` });
}
