import { cutForms, formsOf } from './forms.ts';
import { maskKeyMaterial } from './key-material.ts';

export { secretsIn } from './environment.ts';

const MASK = '[masked]';
const BEGINS = /-----BEGIN [A-Z0-9 ]{0,60}PRIVATE KEY/;
const ENDS = /-----END [A-Z0-9 ]{0,60}PRIVATE KEY/;
/** A line of a private key, behind the time that a console log writes before it. */
const KEY_LINE = /^(?:\s*\d+\.\d+ )?(?:\[ *\d+\.\d+\] ?)?\s*(?:[A-Za-z0-9+/=]*|[A-Za-z-]+: [^\n]*)\s*$/;

/** Hides secrets in whatever leaves gvm as a report. */
export interface Mask {
  text(text: string): string;
  /** Plain data with every text in it masked, keys included; a list of texts is read as the lines of one. */
  value<T>(value: T): T;
}

/**
 * Masks the secrets given, in every form in which they are usually written, and all that looks like key material.
 * Applied once, where a record becomes a report.
 */
export function createMask(secrets: readonly string[]): Mask {
  const forms = formsOf(secrets);
  const known = forms.length === 0 ? undefined : new RegExp(forms.join('|'), 'g');
  const { ends, beginnings } = cutForms(secrets);
  const atStart = ends.length === 0 ? undefined : new RegExp(`^(?:${ends.join('|')})`);
  const atEnd = beginnings.length === 0 ? undefined : new RegExp(`(?:${beginnings.join('|')})(?=$|…)`, 'g');
  const text = (given: string): string => {
    let masked = given;
    if (known) masked = masked.replace(known, MASK);
    if (atStart) masked = masked.replace(atStart, MASK);
    if (atEnd) masked = masked.replace(atEnd, MASK);
    return maskKeyMaterial(masked, MASK);
  };
  /** A key that is spread over several texts is masked in each of them. */
  const lines = (given: readonly string[]): string[] => {
    let inside = false;
    return given.map((line) => {
      const hidden = inside && (KEY_LINE.test(line) || ENDS.test(line));
      inside = (hidden || BEGINS.test(line)) && !ENDS.test(line);
      return hidden ? MASK : text(line);
    });
  };
  const value = (part: unknown): unknown => {
    if (typeof part === 'string') return text(part);
    if (Array.isArray(part)) return part.every((one) => typeof one === 'string') ? lines(part) : part.map(value);
    if (part !== null && typeof part === 'object')
      return Object.fromEntries(Object.entries(part).map(([key, inner]) => [text(key), value(inner)]));
    return part;
  };
  return { text, value: <T>(given: T) => value(given) as T };
}
