import { printable, shellQuote } from '../../core/index.ts';

/** Shorter secrets are left: masking them would blacken half the report and hide nothing. */
const SHORTEST = 4;
/** A line of a secret of several lines is a secret of its own from here on; so is its base64. */
const SHORTEST_LINE = 16;
const SHORTEST_CODED = 6;
/** Beyond this length a secret is looked for as it is, not in all its forms or cut in two. */
const LONGEST_CODED = 1024;

/** Every form in which the secrets may stand in a text, as regular expressions' source, the longest first. */
export function formsOf(secrets: readonly string[]): string[] {
  const all = secrets
    .flatMap((secret) => [secret, secret.trim(), ...secret.split(/\r?\n/).filter((l) => l.length >= SHORTEST_LINE)])
    .filter((secret) => secret.length >= SHORTEST);
  const plain = new Set<string>();
  const coded = new Set<string>();
  const marked = new Set<string>();
  for (const secret of new Set(all)) {
    plain.add(secret);
    if (secret.length > LONGEST_CODED) continue;
    for (const form of writtenForms(secret)) plain.add(form);
    for (const form of base64Forms(secret)) coded.add(form);
    if (/[&<>"']/.test(secret)) marked.add(secret);
  }
  const sources: [length: number, source: string][] = [
    ...[...plain].map((form): [number, string] => [form.length, escapeRegExp(form)]),
    // base64 is broken into lines wherever its writer likes.
    ...[...coded].map((form): [number, string] => [form.length, [...form].map(escapeRegExp).join('(?:\\r?\\n)?')]),
    ...[...marked].map((secret): [number, string] => [secret.length, [...secret].map(inMarkup).join('')]),
  ];
  return sources.sort((a, b) => b[0] - a[0]).map(([, source]) => source);
}

/** As JSON, URLs, forms, shells, terminals and hexadecimal dumps write it. */
function writtenForms(secret: string): string[] {
  const whole = secret.replace(/\p{Surrogate}/gu, '\ufffd');
  const url = encodeURIComponent(whole);
  const form = new URLSearchParams({ x: whole }).toString().slice(2);
  const strict = url.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const lower = (text: string) => text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const json = JSON.stringify(secret).slice(1, -1);
  const hex = Buffer.from(secret).toString('hex');
  const quoted = shellQuote(secret);
  return [
    json,
    json.replaceAll('/', '\\/'),
    JSON.stringify(json).slice(1, -1),
    ...[url, form, strict].flatMap((text) => [text, lower(text)]),
    quoted.startsWith("'") ? quoted.slice(1, -1) : quoted,
    printable(secret),
    ...(hex.length >= 2 * SHORTEST_CODED ? [hex, hex.toUpperCase()] : []),
  ].filter((text) => text.length >= SHORTEST);
}

const REFERENCES: Record<string, string> = {
  '&': 'amp|#38',
  '<': 'lt|#60',
  '>': 'gt|#62',
  '"': 'quot|#34',
  "'": 'apos|#39',
};

/** A character in XML or HTML, whose writers differ in what they escape. */
function inMarkup(sign: string): string {
  const names = REFERENCES[sign];
  return names === undefined ? escapeRegExp(sign) : `(?:&(?:${names});|${sign})`;
}

/** base64 of any text that holds the secret: three forms, by where in a group of three bytes it begins; both alphabets. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // Only what depends on nothing but the secret.
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return own.length < SHORTEST_CODED ? [] : [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** A secret that was cut in two where a text begins or ends: at least half of it, six characters or more. */
export function cutForms(secrets: readonly string[]): { ends: string[]; beginnings: string[] } {
  const parts = secrets
    .filter((secret) => secret.length <= LONGEST_CODED)
    .flatMap((secret) => {
      const least = Math.max(SHORTEST_CODED, Math.ceil(secret.length / 2));
      return Array.from({ length: Math.max(0, secret.length - least) }, (_, i) => ({ secret, length: least + i }));
    })
    .sort((a, b) => b.length - a.length);
  return {
    ends: parts.map(({ secret, length }) => escapeRegExp(secret.slice(-length))),
    beginnings: parts.map(({ secret, length }) => escapeRegExp(secret.slice(0, length))),
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
