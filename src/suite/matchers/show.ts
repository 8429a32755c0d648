import { clip, formatDuration, formatSize, parseSize } from '../../core/index.ts';
import type { ValueKind } from './matcher.ts';

const LONGEST = 1000;

/** A value as people read it in a failure: strings in quotes, text as it is, long ones cut. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string' && value.includes('\n')) return clip(value.replace(/\n$/, ''), LONGEST);
  return clip(JSON.stringify(value), LONGEST);
}

/** The same for a value of a kind: bytes and milliseconds with their units. */
export function showAs(kind: ValueKind, value: unknown): string {
  if (typeof value !== 'number') return show(value);
  if (kind === 'duration') return formatDuration(value);
  if (kind !== 'size') return show(value);
  const text = formatSize(value);
  return parseSize(text) === value ? text : `${text} (${value} bytes)`;
}
