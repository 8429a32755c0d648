import { extname } from 'node:path';
import { GvmError } from '../../errors/index.ts';

/** Formats that gvm reads, by QEMU's names. */
export type ImageFormat = 'qcow2' | 'raw' | 'vmdk' | 'vhdx' | 'vpc' | 'vdi';

/** What an extension, or the word that a user says, means; QEMU says vpc for what everybody else calls vhd. */
const formats = { qcow2: 'qcow2', raw: 'raw', vmdk: 'vmdk', vhdx: 'vhdx', vhd: 'vpc', vdi: 'vdi' } as const;
const extensions: Record<string, ImageFormat> = { ...formats, img: 'raw', iso: 'raw' };
const words: Record<string, ImageFormat> = { ...formats, vpc: 'vpc' };

/** The words that `--format` takes. */
export const formatWords: readonly string[] = Object.keys(words);

/**
 * The format of an image: the one given, else the one that its name says. The name decides, never the content, because
 * content may be a guest's own.
 * @throws GvmError `image-format` when neither says one, or one that gvm does not know
 */
export function imageFormat(path: string, given: string | undefined): ImageFormat {
  const extension = extname(path).toLowerCase();
  const found = given === undefined ? lookUp(extensions, extension.slice(1)) : lookUp(words, given);
  if (found) return found;
  const why = given === undefined ? nameSays(extension) : `${given} is not a format that gvm knows`;
  throw new GvmError({
    code: 'image-format',
    message: `${path}: the format of the image is not known: ${why}`,
    hint: `say --format with one of ${formatWords.join(', ')}`,
    details: { path, given },
  });
}

const lookUp = (table: Record<string, ImageFormat>, key: string) =>
  Object.hasOwn(table, key) ? table[key] : undefined;

function nameSays(extension: string): string {
  return extension === '' ? 'its name has no extension' : `its name ends in ${extension}`;
}
