const MASK = '[masked]';
const MIN_LENGTH = 4;
const PRIVATE_KEY = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[\s\S]*?(?:-----END \1PRIVATE KEY-----|$)/g;

/**
 * A value of plain data in which every secret is masked, in keys and texts at any depth, and private keys with them.
 * Applied once, to the run's record, before anything is rendered. Secrets of fewer than four characters are left:
 * masking them would blacken half the report and hide nothing.
 */
export function maskSecrets<T>(value: T, secrets: readonly string[]): T {
  // A secret may contain another: the longest goes first.
  const known = [...new Set(secrets)].filter((s) => s.length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
  const text = (s: string): string =>
    known.reduce((masked, secret) => masked.replaceAll(secret, MASK), s).replace(PRIVATE_KEY, MASK);
  const mask = (part: unknown): unknown => {
    if (typeof part === 'string') return text(part);
    if (Array.isArray(part)) return part.map(mask);
    if (part !== null && typeof part === 'object')
      return Object.fromEntries(Object.entries(part).map(([key, inner]) => [text(key), mask(inner)]));
    return part;
  };
  return mask(value) as T;
}
