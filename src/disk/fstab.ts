// Reads: /etc/fstab. Specification: fstab(5).

export interface FstabEntry {
  device: string;
  /** Where it is mounted. */
  path: string;
  type: string;
  options: string[];
}

const MOST = 1024;

/** The entries of an fstab; lines that are none are passed over. */
export function parseFstab(text: string): FstabEntry[] {
  const entries: FstabEntry[] = [];
  for (const line of text.split('\n')) {
    const [device, path, type, options = 'defaults'] = line
      .trim()
      .split(/[ \t]+/)
      .map(unescapeOctal);
    if (!device || device.startsWith('#') || !path || !type) continue;
    entries.push({ device, path, type, options: options.split(',') });
    if (entries.length >= MOST) break;
  }
  return entries;
}

/** Blanks in names are written as `\040`. */
function unescapeOctal(field: string): string {
  return field.replaceAll(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
