import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { GvmError } from '../errors/index.ts';
import { AllowList, resolveBacking } from './backing.ts';
import { type ImageFormat, imageFormat } from './format.ts';
import { ImageFile } from './source/image-file.ts';
import { type Qcow2Header, readQcow2Header } from './source/qcow2-header.ts';
import { checkQcow2Tables } from './source/qcow2-tables.ts';
import { SIGNATURE_BYTES, signatureOf } from './source/signature.ts';

export interface OpenImageOptions {
  /** The format, where it is recorded or was given; without it the name of the file says it. */
  format?: string | undefined;
  /** Files and folders, besides the image's own folder, that its backing chain may reach into. */
  allow?: readonly string[];
}

/** One audited file of a chain. */
export interface ImageLayer {
  /** Absolute, links resolved. */
  path: string;
  format: ImageFormat;
  /** Bytes of the disk that it describes. */
  virtualSize: number;
}

export interface ImageChain {
  /** Top first. */
  layers: ImageLayer[];
  virtualSize: number;
}

/** A file that is to be read as the next layer. */
interface Candidate {
  path: string;
  format: ImageFormat;
  /** Whether the user or a record said the format, so that the content need not agree with raw. */
  given: boolean;
}

const LONGEST_CHAIN = 64;

/**
 * Finds an image's format and audits its backing chain by our own reading of the headers (design §7); nothing is
 * opened that the rules do not let it open.
 * @throws GvmError `file-missing`, `image-format` (unknown, not readable here, or contradicted by the header),
 * `image-refused` (names the layer), `image-corrupt` (truncated or damaged, with offset and structure).
 */
export async function openImage(path: string, options: OpenImageOptions = {}): Promise<ImageChain> {
  const top = realPath(path);
  const allowed = new AllowList([dirname(top), ...(options.allow ?? [])]);
  const layers: ImageLayer[] = [];
  let next: Candidate | undefined = {
    path: top,
    format: imageFormat(path, options.format),
    given: options.format !== undefined,
  };
  while (next) {
    if (layers.length >= LONGEST_CHAIN || layers.some((layer) => layer.path === next?.path)) {
      throw chainError(next.path, layers.length);
    }
    const { path: file, format, given }: Candidate = next;
    const { virtualSize, backing } = await readLayer(file, format, given);
    layers.push({ path: file, format, virtualSize });
    next = backing && backingLayer(file, backing, allowed);
  }
  return { layers, virtualSize: layers[0]?.virtualSize ?? 0 };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    throw new GvmError({
      code: 'file-missing',
      message: `no such image file: ${path}`,
      details: { path },
      cause,
    });
  }
}

async function readLayer(
  path: string,
  format: ImageFormat,
  given: boolean,
): Promise<{ virtualSize: number; backing?: Qcow2Header['backing'] }> {
  await using file = await ImageFile.open(path);
  if (file.size === 0) throw file.corrupt('image', 0, 'the file is empty');
  const begins = signatureOf(await file.head(SIGNATURE_BYTES));
  if (format === 'raw') {
    // Who says raw in so many words gets the bytes, whatever they look like.
    if (begins !== undefined && !given) throw looksLike(path, begins);
    if (file.size % 512 !== 0) {
      const what = `a raw image of ${file.size} bytes is not a whole number of sectors of 512: it is truncated`;
      throw file.corrupt('image', file.size - (file.size % 512), what);
    }
    return { virtualSize: file.size };
  }
  if (begins !== 'qcow2') throw notQcow2(path, begins, given);
  const header = await readQcow2Header(file);
  if (header.externalData) {
    throw new GvmError({
      code: 'image-refused',
      message: `${path} keeps its data in another file (external data file)`,
      hint: 'make a plain copy of it with `qemu-img convert -O qcow2`, if you trust it',
      details: { path },
    });
  }
  await checkQcow2Tables(file, header);
  return { virtualSize: header.virtualSize, backing: header.backing };
}

/** The layer below: by its name's extension, else by what the header records; the two must not contradict. */
function backingLayer(layer: string, backing: NonNullable<Qcow2Header['backing']>, allowed: AllowList): Candidate {
  const path = resolveBacking(layer, backing.name, allowed);
  const recorded = backing.format;
  const byName = namedFormat(path);
  if (recorded !== undefined && byName !== undefined && recorded !== byName) {
    throw new GvmError({
      code: 'image-format',
      message: `${layer} says that its backing file ${path} is ${recorded}, but its name says ${byName}`,
      hint: `rename the backing file, or record the right format: qemu-img rebase -u -b ${backing.name} -F FORMAT ${layer}`,
      details: { layer, backing: path, recorded, byName },
    });
  }
  return { path, format: imageFormat(path, byName ?? recorded), given: false };
}

function namedFormat(path: string): ImageFormat | undefined {
  try {
    return imageFormat(path, undefined);
  } catch {
    return undefined;
  }
}

function looksLike(path: string, begins: string): GvmError {
  return new GvmError({
    code: 'image-format',
    message: `${path} is named as a raw image, but begins as ${begins}`,
    hint: `say --format ${begins} if you trust this file, --format raw to read it as bytes`,
    details: { path, expected: 'raw', found: begins },
  });
}

function notQcow2(path: string, begins: string | undefined, given: boolean): GvmError {
  const found = begins === undefined ? 'does not begin as one' : `begins as ${begins}`;
  const says = given ? 'was said to be a qcow2 image' : 'is named as a qcow2 image';
  return new GvmError({
    code: 'image-format',
    message: `${path} ${says}, but ${found}`,
    hint: `say --format ${begins ?? 'raw'} if that is what ${basename(path)} is, or fetch the image again`,
    details: { path, expected: 'qcow2', found: begins ?? null },
  });
}

function chainError(path: string, depth: number): GvmError {
  return new GvmError({
    code: 'image-corrupt',
    message: `the backing chain comes back to ${path}, or is longer than ${LONGEST_CHAIN} files`,
    details: { path, depth },
  });
}
