// Reads: /etc/fstab and /etc/crypttab. Specification: fstab(5), crypttab(5).
import { unescapeOctal } from '../core/index.ts';

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

/** The devices of a crypttab by the names under which they are opened, `/dev/mapper/NAME`. */
export function parseCrypttab(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [name, device] = line.trim().split(/\s+/);
    if (name && !name.startsWith('#') && device && found.size < MOST) found.set(name, device);
  }
  return found;
}
