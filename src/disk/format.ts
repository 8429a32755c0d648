import { extname } from 'node:path';
import { GvmError } from '../errors/index.ts';

/** Formats that gvm reads. */
export type ImageFormat = 'qcow2' | 'raw';

/** What an extension means. The name decides, never the content, because content may be a guest's own. */
const extensions: Record<string, string> = {
  '.qcow2': 'qcow2',
  '.raw': 'raw',
  '.img': 'raw',
  '.iso': 'raw',
  '.vmdk': 'vmdk',
  '.vhdx': 'vhdx',
  '.vhd': 'vhd',
  '.vdi': 'vdi',
};

/** Known formats that gvm does not read, and QEMU's names for them. */
const unreadable: Record<string, string> = { vmdk: 'vmdk', vhdx: 'vhdx', vhd: 'vpc', vdi: 'vdi' };

/**
 * The format of an image: the one given, else the one that its name says.
 * @throws GvmError `image-format` when neither says one, or one that gvm does not read.
 */
export function imageFormat(path: string, given: string | undefined): ImageFormat {
  const extension = extname(path).toLowerCase();
  const format = given ?? (Object.hasOwn(extensions, extension) ? extensions[extension] : undefined);
  if (format === 'qcow2' || format === 'raw') return format;
  if (format !== undefined && Object.hasOwn(unreadable, format)) {
    throw new GvmError({
      code: 'image-format',
      message: `${path}: gvm does not read ${format} images`,
      hint: `convert it: qemu-img convert -f ${unreadable[format]} -O qcow2 ${path} ${path.slice(0, path.length - extension.length)}.qcow2`,
      details: { path, format },
    });
  }
  const found = given === undefined ? nameSays(extension) : `${given} is not a format that gvm knows`;
  throw new GvmError({
    code: 'image-format',
    message: `${path}: the format of the image is not known: ${found}`,
    hint: 'say --format qcow2 or --format raw',
    details: { path, given },
  });
}

function nameSays(extension: string): string {
  return extension === '' ? 'its name has no extension' : `its name ends in ${extension}`;
}
