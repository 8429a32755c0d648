import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { GvmError } from '../errors/index.ts';
import { extendingSchema, loadDocument, type Recipe, recipeOver, recipeSchema } from '../schema/index.ts';

/** A recipe with the files that it is made of. */
export interface LoadedRecipe {
  file: string;
  recipe: Recipe;
  overlay: OverlayFile[];
  /** SHA-256 of the recipe's text and of its overlay: an image with another hash is out of date. */
  hash: string;
}

export interface OverlayFile {
  /** Path in the image, without the leading slash. */
  path: string;
  content: { kind: 'file'; bytes: Uint8Array; executable: boolean } | { kind: 'link'; target: string };
}

const MAX_OVERLAY_BYTES = 64 * 2 ** 20;

/**
 * Reads `NAME.yaml` and its overlay folder.
 * @throws GvmError `file-missing`, `document-syntax`, `document-invalid` (with file:line:column)
 */
export async function loadRecipe(file: string): Promise<LoadedRecipe> {
  const text = await readText(file);
  const base = await readBase(text, file);
  const document = loadDocument(text, file, base ? recipeOver(base.keys) : recipeSchema);
  const recipe = document.value;
  const expected = basename(file).replace(/\.ya?ml$/, '');
  if (recipe.name !== expected) {
    throw new GvmError({
      code: 'document-invalid',
      message: `name: expected ${expected}, the name of the file, found ${recipe.name}`,
      position: document.position(['name']),
    });
  }
  const files = new Map<string, OverlayFile>();
  for (const name of recipe.overlay.from) {
    const folder = join(dirname(file), name);
    const found = await readOverlay(folder).catch((cause) => {
      if (cause instanceof GvmError) throw cause;
      throw new GvmError({
        code: 'file-missing',
        message: `overlay.from: the folder ${folder} cannot be read`,
        position: document.position(['overlay', 'from']),
        cause,
      });
    });
    for (const entry of found) files.set(entry.path, entry);
  }
  const overlay = [...files.values()];
  return { file, recipe, overlay, hash: hashOf(`${base?.text ?? ''}${text}`, overlay) };
}

/** The recipe that a recipe extends, as it stands; a base extends nothing. */
async function readBase(text: string, file: string) {
  const { value, position } = loadDocument(text, file, extendingSchema);
  if (value.extends === undefined) return undefined;
  const path = join(dirname(file), `${basename(value.extends)}.yaml`);
  const base = await readText(path);
  const { value: keys } = loadDocument(base, path, extendingSchema);
  if (keys.extends === undefined) return { text: base, keys };
  throw new GvmError({
    code: 'document-invalid',
    message: `extends: ${value.extends} itself extends another recipe`,
    position: position(['extends']),
  });
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause) => {
    throw new GvmError({ code: 'file-missing', message: `the recipe ${file} cannot be read`, cause });
  });
}

/** Every recipe of the folders, by name; of two with one name the earlier folder's. Folders that are not there are none. */
export async function listRecipes(folders: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    const files = await readdir(folder).catch(() => []);
    for (const file of files.filter((f) => /\.ya?ml$/.test(f)).sort()) {
      const name = file.replace(/\.ya?ml$/, '');
      if (!found.has(name)) found.set(name, join(folder, file));
    }
  }
  return found;
}

async function readOverlay(root: string): Promise<OverlayFile[]> {
  const files: OverlayFile[] = [];
  let total = 0;
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(folder);
    for (const entry of entries.sort()) {
      const full = join(folder, entry);
      const path = relative(root, full);
      const stat = await lstat(full);
      if (stat.isDirectory()) await walk(full);
      else if (stat.isSymbolicLink()) files.push({ path, content: { kind: 'link', target: await readlink(full) } });
      else if (stat.isFile()) {
        total += stat.size;
        if (total > MAX_OVERLAY_BYTES) {
          throw new GvmError({
            code: 'document-invalid',
            message: `the overlay ${root} is larger than ${MAX_OVERLAY_BYTES / 2 ** 20} MiB`,
          });
        }
        const bytes = await readFile(full);
        // The mode in a checkout or a tarball depends on umask and file system; the content does not.
        const executable = bytes.subarray(0, 2).toString('latin1') === '#!';
        files.push({ path, content: { kind: 'file', bytes, executable } });
      }
    }
  };
  await walk(root);
  return files;
}

function hashOf(text: string, overlay: readonly OverlayFile[]): string {
  const hash = createHash('sha256').update(text);
  for (const { path, content } of overlay) {
    hash.update(`\0${path}\0${content.kind}\0`);
    hash.update(content.kind === 'file' ? content.bytes : content.target);
  }
  return hash.digest('hex');
}
