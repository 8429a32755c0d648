import type { ByteView } from '../../../core/index.ts';

// Code page 437, the upper half: what Linux and mtools take short names for unless told otherwise.
const UPPER =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

function decode437(bytes: Buffer): string {
  return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : (UPPER[byte - 0x80] ?? '?'))).join('');
}

/** The name of eight and three characters; two bits say that a part is shown in small letters. */
export function shortName(entry: ByteView): string {
  const raw = Buffer.from(entry.slice(0, 11));
  if (raw[0] === 0x05) raw[0] = 0xe5;
  const flags = entry.u8(12);
  const part = (from: number, to: number, small: boolean) => {
    const text = decode437(raw.subarray(from, to)).replace(/ +$/, '');
    return small ? text.toLowerCase() : text;
  };
  const [base, extension] = [part(0, 8, (flags & 0x08) !== 0), part(8, 11, (flags & 0x10) !== 0)];
  return extension === '' ? base : `${base}.${extension}`;
}

/** The sum by which the parts of a long name are bound to their short one. */
export function shortSum(entry: ByteView): number {
  return entry.slice(0, 11).reduce((sum, byte) => (((sum & 1) << 7) + (sum >>> 1) + byte) & 0xff, 0);
}

/** Collects the parts of a long name, which stand in reverse before their short entry. */
export class LongName {
  #parts: Buffer[] = [];
  #next = 0;
  #sum = -1;

  /** Takes a part; one that does not continue what was taken begins anew or is dropped. */
  add(entry: ByteView): void {
    const order = entry.u8(0);
    const number = order & 0x1f;
    if (order & 0x40) {
      this.#parts = [];
      this.#next = number;
      this.#sum = entry.u8(13);
    }
    if (number === 0 || number > 20 || number !== this.#next || entry.u8(13) !== this.#sum) {
      this.clear();
      return;
    }
    this.#parts.unshift(Buffer.concat([entry.slice(1, 10), entry.slice(14, 12), entry.slice(28, 4)]));
    this.#next--;
  }

  clear(): void {
    this.#parts = [];
    this.#next = -1;
  }

  /** The whole name, if all its parts came and belong to the short entry that follows them. */
  take(short: ByteView): string | undefined {
    const whole = this.#parts.length > 0 && this.#next === 0 && this.#sum === shortSum(short);
    const text = whole ? Buffer.concat(this.#parts).toString('utf16le') : undefined;
    this.clear();
    // What follows the end is filled with U+FFFF, which before it is a character like any other, as Linux has it.
    const end = text?.indexOf('\0') ?? -1;
    const name = end < 0 ? text : text?.slice(0, end);
    return name === '' ? undefined : name;
  }
}
