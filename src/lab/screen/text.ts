// Reads the text of a VGA screen in text mode (IBM VGA: 80 × 25 cells of character and attribute in the 32 KiB at B8000h,
// from the start address of the CRT controller on). It reads no graphics and no other size.
import type { Picture } from './ppm.ts';

export const COLUMNS = 80;
export const ROWS = 25;
/** Bytes of the window at B8000h. */
export const WINDOW = 32_768;

/** Upper half of code page 437, which a VGA draws. */
const UPPER =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ';

/** Whether QEMU drew this in text mode: 25 rows of 16 lines, cells 9 or 8 dots wide. */
export function isTextMode({ width, height }: Picture): boolean {
  return height === ROWS * 16 && (width === COLUMNS * 9 || width === COLUMNS * 8);
}

/**
 * The lines of a screen that have text, from the top.
 * @param memory the window at B8000h
 * @param start the start address, in cells
 */
export function screenText(memory: Buffer, start: number): string[] {
  const lines = Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length: COLUMNS }, (_, column) => {
      const code = memory[((start + row * COLUMNS + column) * 2) % WINDOW] ?? 0;
      if (code >= 128) return UPPER[code - 128] ?? ' ';
      return code < 32 || code === 127 ? ' ' : String.fromCharCode(code);
    }).join(''),
  );
  return lines.map((line) => line.trimEnd()).filter((line) => line !== '');
}

/** The bytes in the answer of QEMU's `xp /Nxw`, least significant first. */
export function parseWords(text: string): Buffer {
  const words = text.match(/(?<=[:\s])0x[0-9a-f]{8}(?!:)\b/g) ?? [];
  const bytes = Buffer.alloc(words.length * 4);
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(Number(word), i * 4);
  return bytes;
}

/** The value in the answer of QEMU's `i /b PORT`. */
export function parsePort(text: string): number {
  return Number(/=\s*(0x[0-9a-f]+)/.exec(text)?.[1] ?? 0) & 0xff;
}
