// Reads: the layers in the mount options of an overlay. Specification: Linux Documentation/filesystems/overlayfs.rst.
import type { MarkSpace } from './marks.ts';

export interface OverlayMount {
  upper: string | undefined;
  /** Top first. */
  lower: string[];
  spaces: MarkSpace[];
}

/** The kernel's limit (OVL_MAX_STACK). */
const MOST_LAYERS = 500;

/** @param options as fstab(5) has them, already parted at the commas; undefined where they name no layers */
export function overlayMount(options: readonly string[]): OverlayMount | undefined {
  let upper: string | undefined;
  const lower: string[] = [];
  for (const option of options) {
    const [, key, value = ''] = /^(upperdir|lowerdir\+?)=(.*)$/s.exec(option) ?? [];
    if (key === 'upperdir') upper = plain(value);
    else if (key === 'lowerdir+') lower.push(plain(value));
    // What follows two colons holds content for metacopies alone, and no names.
    else if (key === 'lowerdir') lower.push(...splitLayers(value.split(/(?<!\\)::/)[0] ?? ''));
  }
  if (lower.length === 0 || lower.length > MOST_LAYERS) return undefined;
  return { upper, lower, spaces: [options.includes('userxattr') ? 'user' : 'trusted'] };
}

const splitLayers = (value: string) =>
  value
    .split(/(?<!\\):/)
    .filter((part) => part !== '')
    .map(plain);

/** A colon or backslash in a name is escaped. */
const plain = (value: string) => value.replaceAll(/\\(.)/g, '$1');
