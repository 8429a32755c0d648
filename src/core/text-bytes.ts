const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A name of arbitrary bytes as text that fits a terminal and a JSON document, and that names the bytes exactly: UTF-8
 * where it is that, `\xNN` for every other byte and for control characters, `\\` for a backslash.
 */
export function showBytes(bytes: Uint8Array): string {
  let text: string;
  try {
    text = strict.decode(bytes);
  } catch {
    text = piecewise(bytes);
    return text;
  }
  return escapeText(text);
}

// Control and bidirectional characters, and line and paragraph separators.
const SPECIAL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\\]/gu;

/** Nearly all names are this, and it is found out in a tenth of the time. */
const PLAIN = /^[ -[\]-~]*$/;

function escapeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(SPECIAL, (c) => (c === '\\' ? '\\\\' : hex(Buffer.from(c))));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/** Decodes what is UTF-8 in between of what is not. */
function piecewise(bytes: Uint8Array): string {
  let out = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] as number);
    const part = bytes.subarray(at, at + Math.max(1, length));
    try {
      if (length === 0) throw new TypeError('no first byte of UTF-8');
      out += escapeText(strict.decode(part));
      at += length;
    } catch {
      out += hex(bytes.subarray(at, at + 1));
      at += 1;
    }
  }
  return out;
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/** The bytes that a text of {@link showBytes} names; a backslash that begins no escape stands for itself. */
export function parseBytes(text: string): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const match of text.matchAll(/\\(?:x([0-9a-fA-F]{2})|\\)/g)) {
    parts.push(Buffer.from(text.slice(from, match.index)));
    parts.push(match[1] === undefined ? Buffer.from('\\') : Buffer.from(match[1], 'hex'));
    from = match.index + match[0].length;
  }
  parts.push(Buffer.from(text.slice(from)));
  return Buffer.concat(parts);
}

/**
 * Text without octal escapes: a blank in a name is `\040` in fstab(5), mountinfo (mangle_path of the kernel's
 * fs/seq_file.c) and the output of getfattr(1).
 */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
