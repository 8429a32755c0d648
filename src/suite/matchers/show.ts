import { clip } from '../../core/index.ts';

const LONGEST = 1000;

/** A value as people read it in a failure: strings in quotes, text as it is, long ones cut. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string' && value.includes('\n')) return clip(value.replace(/\n$/, ''), LONGEST);
  return clip(JSON.stringify(value), LONGEST);
}
