// Reads: files of shell assignments that are data in truth: os-release(5), locale.conf(5), /etc/conf.d, make.conf(5).
// Values may stand in quotes and reach over lines; a later one of the same name wins. Not read: expansion of variables,
// which stays as it is written.

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=("(?:[^"\\]|\\[\s\S])*"|'[^']*'|[^\s#]*)/gm;
const MOST = 1000;
const LONGEST = 8192;

export function parseAssignments(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', raw = ''] of text.matchAll(ASSIGNMENT)) {
    if (found.size >= MOST) break;
    found.set(name, unquote(raw).slice(0, LONGEST));
  }
  return found;
}

function unquote(raw: string): string {
  if (raw.startsWith("'")) return raw.slice(1, -1);
  if (!raw.startsWith('"')) return raw;
  return raw
    .slice(1, -1)
    .replace(/\\\n/g, '')
    .replace(/\\(["$`\\])/g, '$1');
}
