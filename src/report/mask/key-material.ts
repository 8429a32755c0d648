// Finds secrets by their looks: private keys in PEM (RFC 7468) and OpenSSH's form, also in base64 or without their
// beginning or end; password hashes of crypt(5); passwords in addresses; tokens of well-known makers.

const GAP = '(?:[ +]|%20)';
const BEGIN = new RegExp(`-----BEGIN${GAP}(?:[A-Z0-9]{1,20}${GAP}){0,3}PRIVATE${GAP}KEY(?:${GAP}BLOCK)?-----`, 'g');
const END = new RegExp(`-----END${GAP}(?:[A-Z0-9]{1,20}${GAP}){0,3}PRIVATE${GAP}KEY(?:${GAP}BLOCK)?-----`, 'g');
/** Characters of a private key; a longer distance between the two marks is no key. */
const LONGEST_KEY = 32 * 1024;
/** What a key is made of, its line ends as they are or as they are escaped, and the times that a console log adds. */
const BODY = /[A-Za-z0-9+/=\s\\%.[\]]/;

/** base64 of several lines, which begins in a way that says what it is: OpenSSH's own form, or PEM coded once more. */
const CODED =
  /(?:b3BlbnNzaC1rZXktdjE|LS0tLS1CRUdJTi)[A-Za-z0-9+/=]*(?:(?:\r?\n|\\n)[A-Za-z0-9+/=]{20,})*(?:(?:\r?\n|\\n)[A-Za-z0-9+/]{1,19}={1,2})?/g;

const HASH = /(?:\$|%24)(?:[1567]|2[abxy]?|y|gy|sm3|sha1|md5|argon2(?:id?|d))(?:\$|%24)[./A-Za-z0-9=,+$%-]{8,256}/g;
const OLD_HASH = /^([a-z_][\w-]{0,31}:)[./A-Za-z0-9]{13}(?=:\d*:)/gm;
const ADDRESS = /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:@/?#]{1,64}:)[^\s@/?#]{1,256}(?=@)/gi;
const TOKEN =
  /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255}|glpat-[\w-]{20,64}|xox[abprs]-[\w-]{10,255}|AGE-SECRET-KEY-1[A-Z0-9]{50,64})/g;

/** The text with everything replaced that looks like key material, whoever it belongs to. Linear in its length. */
export function maskKeyMaterial(text: string, mask: string): string {
  return maskKeys(text, mask)
    .replace(CODED, (match) => (isKey(match) ? mask : match))
    .replace(HASH, mask)
    .replace(OLD_HASH, `$1${mask}`)
    .replace(ADDRESS, `$1${mask}`)
    .replace(TOKEN, mask);
}

function isKey(coded: string): boolean {
  if (coded.startsWith('b3Bl')) return true;
  return Buffer.from(coded.slice(0, 120), 'base64').toString('latin1').includes('PRIVATE KEY');
}

function maskKeys(text: string, mask: string): string {
  const begins = [...text.matchAll(BEGIN)];
  const ends = [...text.matchAll(END)];
  if (begins.length === 0 && ends.length === 0) return text;
  const pieces: string[] = [];
  let from = 0;
  const cut = (start: number, end: number) => {
    if (end <= from) return;
    pieces.push(text.slice(from, Math.max(start, from)), mask);
    from = end;
  };
  let nextEnd = 0;
  const orphansBefore = (limit: number) => {
    for (; (ends[nextEnd]?.index ?? Number.POSITIVE_INFINITY) < limit; nextEnd++) {
      const { index, 0: mark } = ends[nextEnd] as RegExpMatchArray & { index: number };
      let start = index;
      while (start > from && index - start < LONGEST_KEY && BODY.test(text[start - 1] ?? '')) start -= 1;
      cut(start, index + mark.length);
    }
  };
  for (const begin of begins) {
    if (begin.index < from) continue;
    orphansBefore(begin.index);
    const end = ends[nextEnd];
    if (end && end.index - begin.index <= LONGEST_KEY) {
      cut(begin.index, end.index + end[0].length);
      nextEnd += 1;
      continue;
    }
    let stop = begin.index + begin[0].length;
    const limit = stop + LONGEST_KEY;
    while (stop < limit && BODY.test(text[stop] ?? '-')) stop += 1;
    cut(begin.index, stop);
  }
  orphansBefore(Number.POSITIVE_INFINITY);
  return pieces.join('') + text.slice(from);
}
