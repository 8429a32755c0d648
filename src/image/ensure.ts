import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import type { Log } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import { chooseBuilder } from '../host/index.ts';
import { scratchFolder } from '../process/index.ts';
import { type PackageList, packageListSchema, type StoredImageManifest } from '../schema/index.ts';
import { bootstrapRoot } from './build/bootstrap.ts';
import { type BuildResult, buildImage, type MakeRoot } from './build/build.ts';
import { MIB } from './build/disk.ts';
import type { BuildEvent } from './build/events.ts';
import { bootstrapInGuest } from './build/guest.ts';
import type { LoadedRecipe } from './recipe.ts';
import type { ImageStore, StoredImage } from './store.ts';

export type BuildMode = StoredImageManifest['buildMode'];

export interface BuildOptions {
  log: Log;
  /** Version of gvm, for the manifest. */
  version: string;
  signal?: AbortSignal | undefined;
  onEvent?: ((event: BuildEvent) => void) | undefined;
  /** A list of packages recorded by an earlier build, to build from again. */
  packages?: PackageList | undefined;
  /** The way of building; without it the first that works here. */
  mode?: BuildMode | undefined;
}

/** Deadline of another gvm's build of the same image. */
const LOCK_MS = 1_800_000;

/**
 * The image of a recipe: from the store where it is up to date, else built. Two gvm that want one image at the same time
 * build it once.
 */
export async function ensureImage(
  store: ImageStore,
  loaded: LoadedRecipe,
  options: BuildOptions,
): Promise<StoredImage> {
  const { name } = loaded.recipe;
  const known = await store.get(name);
  if (known?.manifest.recipe === loaded.hash) return known;
  await using _lock = await store.lock(name, { timeout: LOCK_MS, signal: options.signal });
  const meanwhile = await store.get(name);
  if (meanwhile?.manifest.recipe === loaded.hash) return meanwhile;
  const reason = meanwhile ? 'its recipe has changed since it was built' : 'it is not in the store';
  options.log.info(`building the image ${name}: ${reason}`);
  return makeImage(store, loaded, options);
}

/** Builds the image of a recipe whether or not the store has it. */
export async function rebuildImage(
  store: ImageStore,
  loaded: LoadedRecipe,
  options: BuildOptions,
): Promise<StoredImage> {
  await using _lock = await store.lock(loaded.recipe.name, { timeout: LOCK_MS, signal: options.signal });
  return makeImage(store, loaded, options);
}

/** Removes an image from the store; false where it has none of that name. */
export async function removeImage(store: ImageStore, name: string, signal?: AbortSignal): Promise<boolean> {
  await using _lock = await store.lock(name, { timeout: LOCK_MS, signal });
  return store.remove(name);
}

/** Reads `packages.json` of a build. @throws GvmError `file-missing`, `document-invalid` */
export async function readPackageList(file: string): Promise<PackageList> {
  const text = await readFile(file, 'utf8');
  try {
    return packageListSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new GvmError({
      code: 'document-invalid',
      message: `${file} is not a package list of gvm`,
      hint: 'gvm image list --json shows the list of each built image under "list"',
      position: { file, line: 1, column: 1 },
      cause,
    });
  }
}

async function makeImage(store: ImageStore, loaded: LoadedRecipe, options: BuildOptions): Promise<StoredImage> {
  const { recipe } = loaded;
  const started = performance.now();
  const mode = options.mode ?? (await chooseBuilder(options.signal));
  await mkdir(store.packageCache, { recursive: true });
  return store.put(recipe.name, async (folder) => {
    const work = scratchFolder();
    // Other accounts of a user namespace must be able to pass through it.
    await chmod(work, 0o755);
    let result: BuildResult;
    try {
      result = await buildImage(
        {
          loaded,
          recorded: options.packages,
          epoch: Math.floor(Date.now() / 1000),
          makeRoot: makeRootBy(mode),
          output: folder,
        },
        {
          work,
          packageCache: store.packageCache,
          onEvent: options.onEvent ?? (() => {}),
          signal: options.signal,
        },
      );
    } finally {
      await rm(work, { recursive: true, force: true, maxRetries: 3 });
    }
    const { memory, cpus, cpu } = recipe.machine;
    return {
      name: recipe.name,
      description: recipe.description,
      recipe: loaded.hash,
      digest: result.digest,
      format: 'qcow2',
      diskBytes: result.diskBytes,
      virtualSize: Math.ceil(recipe.disk.size / MIB) * MIB,
      arch: recipe.arch,
      init: recipe.init,
      kernel: result.kernel,
      root: result.root,
      firmware: recipe.boot.firmware,
      append: recipe.boot.append,
      ...(memory === undefined ? {} : { memory }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(cpu === undefined ? {} : { cpu }),
      login: recipe.login,
      list: result.list,
      buildMode: mode,
      gvm: options.version,
      builtAt: new Date().toISOString(),
      buildMs: Math.round(performance.now() - started),
    };
  });
}

function makeRootBy(mode: BuildMode): MakeRoot {
  if (mode === 'guest') return bootstrapInGuest;
  return (input, context) => bootstrapRoot(mode, input, context);
}
