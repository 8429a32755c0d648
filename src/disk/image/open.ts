import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import { unsupported } from '../trouble.ts';
import { AllowList, resolveNamed } from './backing.ts';
import { type ImageFormat, imageFormat } from './format.ts';
import { ImageFile } from './image-file.ts';
import { type Audit, type ImageChain, type ImageLayer, isOneFile } from './layer.ts';
import { auditSnapshot } from './qcow2.ts';
import { chooseSnapshot, type Snapshot } from './qcow2-snapshots.ts';
import { audits, looksLike } from './registry.ts';

export interface OpenImageOptions {
  /** The format, where it is recorded or was given; without it the name of the file says it. */
  format?: string | undefined;
  /** Files and folders, besides the image's own folder, that its backing chain may reach into. */
  allow?: readonly string[];
  /** The internal snapshot that is meant, by id or name. */
  snapshot?: string | undefined;
}

/** A file that is to be read as the next layer. */
interface Candidate {
  path: string;
  format: ImageFormat;
  /** Whether the user or a record said the format, so that the content need not agree with raw. */
  given: boolean;
  /** What the layer above remembers of it. */
  id: string | undefined;
}

const LONGEST_CHAIN = 64;

/**
 * Finds an image's format and audits its backing chain by our own reading of the headers (design §7); nothing is
 * opened that the rules do not let it open.
 * @throws GvmError `file-missing`, `image-format` (unknown, not readable here, or contradicted by the header),
 * `image-refused` (names the layer), `image-corrupt` (truncated or damaged, with offset and structure), `unsupported`,
 * `usage` for a snapshot that is not there.
 */
export async function openImage(path: string, options: OpenImageOptions = {}): Promise<ImageChain> {
  const top = realPath(path);
  const allowed = new AllowList([dirname(top), ...(options.allow ?? [])]);
  const layers: ImageLayer[] = [];
  let next: Candidate | undefined = {
    path: top,
    format: imageFormat(path, options.format),
    given: options.format !== undefined,
    id: undefined,
  };
  while (next) {
    if (layers.length >= LONGEST_CHAIN || layers.some((layer) => layer.path === next?.path)) {
      throw chainError(next.path, layers.length);
    }
    const { path: file, format, given, id }: Candidate = next;
    const audit = await auditLayer(file, format, given);
    if (id !== undefined && audit.id !== id) throw changedParent(file, id, audit.id);
    const { virtualSize, backing, snapshots, parentId } = audit;
    const extents = audit.extents?.map((extent) => ({
      ...extent,
      file: extent.file === undefined ? undefined : resolveNamed(file, extent.file, allowed, 'extent'),
    }));
    const layer = { path: file, format, virtualSize, ...(snapshots && { snapshots }), ...(extents && { extents }) };
    if (!isOneFile(layer) && layers.some((above) => above.format !== 'vmdk')) {
      throw unsupported(file, 'a VMDK disk in several files below an image of another format');
    }
    layers.push(layer);
    next = backing && { ...backingLayer(file, backing, allowed), id: parentId };
  }
  const chain = { layers, virtualSize: layers[0]?.virtualSize ?? 0 };
  return options.snapshot === undefined ? chain : { ...chain, ...(await snapshotOf(layers, options.snapshot)) };
}

async function snapshotOf(
  layers: readonly ImageLayer[],
  asked: string,
): Promise<{ snapshot: Snapshot; virtualSize: number }> {
  const { path = '', snapshots = [] } = layers[0] ?? {};
  const snapshot = chooseSnapshot(path, snapshots, asked);
  await using file = await ImageFile.open(path);
  await auditSnapshot(file, snapshot);
  return { snapshot, virtualSize: snapshot.diskSize };
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

async function auditLayer(path: string, format: ImageFormat, given: boolean): Promise<Audit> {
  await using file = await ImageFile.open(path);
  if (file.size === 0) throw file.corrupt('image', 0, 'the file is empty');
  const begins = await looksLike(file, format);
  if (format === 'raw') {
    // Who says raw in so many words gets the bytes, whatever they look like.
    if (begins !== undefined && !given) throw notRaw(path, begins);
    if (file.size % 512 !== 0 && begins === undefined) {
      const what = `a raw image of ${file.size} bytes is not a whole number of sectors of 512: it is truncated`;
      throw file.corrupt('image', file.size - (file.size % 512), what);
    }
    return { virtualSize: file.size };
  }
  if (begins !== format) throw notAsPromised(path, format, begins, given);
  return await audits[format](file);
}

/** The layer below: by its name's extension, else by what the header records; the two must not contradict. */
function backingLayer(
  layer: string,
  backing: NonNullable<Audit['backing']>,
  allowed: AllowList,
): Omit<Candidate, 'id'> {
  const path = resolveNamed(layer, backing.name, allowed, 'backing file');
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

function notRaw(path: string, begins: string): GvmError {
  return new GvmError({
    code: 'image-format',
    message: `${path} is named as a raw image, but begins as ${begins}`,
    hint: `say --format ${begins} if you trust this file, --format raw to read it as bytes`,
    details: { path, expected: 'raw', found: begins },
  });
}

function notAsPromised(path: string, format: ImageFormat, begins: string | undefined, given: boolean): GvmError {
  const found = begins === undefined ? 'does not begin as one' : `begins as ${begins}`;
  const says = given ? `was said to be a ${format} image` : `is named as a ${format} image`;
  return new GvmError({
    code: 'image-format',
    message: `${path} ${says}, but ${found}`,
    hint: `say --format ${begins ?? 'raw'} if that is what ${basename(path)} is, or fetch the image again`,
    details: { path, expected: format, found: begins ?? null },
  });
}

function changedParent(path: string, expected: string, found: string | undefined): GvmError {
  return new GvmError({
    code: 'image-corrupt',
    message: `${path} has changed since the disk over it was made: its CID is ${found || 'not said'}, expected ${expected}`,
    details: { path, expected, found },
  });
}

function chainError(path: string, depth: number): GvmError {
  return new GvmError({
    code: 'image-corrupt',
    message: `the backing chain comes back to ${path}, or is longer than ${LONGEST_CHAIN} files`,
    details: { path, depth },
  });
}
