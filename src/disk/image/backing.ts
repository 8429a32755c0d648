import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { GvmError } from '../../errors/index.ts';

// QEMU takes a colon before the first slash for a protocol (nbd:, http:, json:).
const PROTOCOL = /^[^/]*:/;

/** The files and folders that a chain may open, links resolved. Those that do not exist allow nothing. */
export class AllowList {
  readonly #places: string[];

  constructor(places: readonly string[]) {
    this.#places = places.flatMap((place) => {
      try {
        return [realpathSync(place)];
      } catch {
        return [];
      }
    });
  }

  permits(realPath: string): boolean {
    return this.#places.some((place) => {
      const way = relative(place, realPath);
      return way === '' || (!way.startsWith('../') && way !== '..' && !isAbsolute(way));
    });
  }
}

/** What a header refers to another file for. */
type Role = 'backing file' | 'extent';

/**
 * The real path of the file that a layer's header names, as the layer below or as the place of its own bytes.
 * @throws GvmError `image-refused` for a protocol, a `json:` description or a place that is not allowed, `file-missing`.
 */
export function resolveNamed(layer: string, name: string, allowed: AllowList, role: Role): string {
  if (PROTOCOL.test(name)) {
    throw refused(layer, name, role, 'only plain file names are followed, no protocols and no json:');
  }
  const path = resolve(dirname(layer), name);
  let real: string;
  try {
    real = realpathSync(path);
  } catch (cause) {
    // Whether a file outside the allowed places exists is nothing that an image may ask.
    if (!allowed.permits(path)) throw outside(layer, name, role);
    throw new GvmError({
      code: 'file-missing',
      message: `${layer} refers to ${path} as its ${role}, which does not exist`,
      hint: 'copy it next to the image, or join the two with `qemu-img convert`',
      details: { layer, backing: path },
      cause,
    });
  }
  if (!allowed.permits(real)) throw outside(layer, real, role);
  return real;
}

function outside(layer: string, path: string, role: Role): GvmError {
  const folder = dirname(resolve(dirname(layer), path));
  const why = "it lies outside of the image's own folder and the places that were allowed";
  return refused(layer, path, role, why, `if you trust the image, say --allow-backing ${folder}`);
}

function refused(layer: string, name: string, role: Role, why: string, hint?: string): GvmError {
  return new GvmError({
    code: 'image-refused',
    message: `${layer} refers to ${name} as its ${role}: ${why}`,
    hint: hint ?? 'make a plain copy of it with `qemu-img convert -O qcow2`, if you trust it',
    details: { layer, backing: name },
  });
}
