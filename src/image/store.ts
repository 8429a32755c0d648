import { constants, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import { isSameProcess, type ProcessIdentity, processIdentity } from '../process/index.ts';
import { type MachineKeys, type StoredImageManifest, storedImageSchema } from '../schema/index.ts';

/** An image of the store that is whole. */
export interface StoredImage {
  name: string;
  digest: string;
  /** Top first. */
  layers: { path: string; format: 'qcow2' }[];
  virtualSize: number;
  init: StoredImageManifest['init'];
  /** Defaults of the machine keys that the recipe gives. */
  machine: MachineKeys;
  login: StoredImageManifest['login'];
  folder: string;
  manifest: StoredImageManifest;
}

/** A folder of images: `NAME/` is whole once it has a manifest; `.work-*` and `.old-*` never count. */
export interface ImageStore {
  readonly folder: string;
  /** Downloaded packages, shared by all images. */
  readonly packageCache: string;
  /** Kernels that were brought along, ready to boot. */
  readonly kernels: string;
  list(): Promise<StoredImage[]>;
  get(name: string): Promise<StoredImage | undefined>;
  /** Makes the image's folder by `fill`, and puts it in its place in one step. Nothing of a failed fill is left. */
  put(name: string, fill: (folder: string) => Promise<StoredImageManifest>): Promise<StoredImage>;
  /** Removes an image; false where there is none. */
  remove(name: string): Promise<boolean>;
  /** Waits until no other gvm builds or removes this image. @throws GvmError `store-locked` */
  lock(name: string, options: { timeout: number; signal?: AbortSignal | undefined }): Promise<AsyncDisposable>;
}

const LOCK_POLL_MS = 200;

/** The store below gvm's home folder, which is made where it is missing; what a killed gvm left there is removed. */
export function openStore(home: string): ImageStore {
  const folder = join(home, 'images');
  mkdirSync(folder, { recursive: true });
  const kernels = join(home, 'kernels');
  mkdirSync(kernels, { recursive: true });
  for (const each of [folder, kernels]) sweep(each);
  const get = (name: string) => readStored(join(folder, name));
  return {
    folder,
    packageCache: join(home, 'packages'),
    kernels,
    async list() {
      const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
      const images = await Promise.all(names.map(get));
      return images.filter((image) => image !== undefined);
    },
    get,
    async put(name, fill) {
      const made = join(folder, `.work-${process.pid}-${name}`);
      const final = join(folder, name);
      const old = join(folder, `.old-${process.pid}-${name}`);
      await rm(made, { recursive: true, force: true });
      await mkdir(made);
      try {
        const manifest = await fill(made);
        for (const file of await readdir(made)) await flush(join(made, file));
        await writeFile(join(made, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
        await flush(join(made, 'manifest.json'));
        await flush(made);
        await rename(final, old).catch(ignoreMissing);
        await rename(made, final);
        await flush(folder);
        await rm(old, { recursive: true, force: true });
      } catch (error) {
        await rm(made, { recursive: true, force: true });
        throw error;
      }
      const stored = await get(name);
      if (!stored)
        throw new GvmError({ code: 'internal', message: `the image ${name} is not readable after its build` });
      return stored;
    },
    async remove(name) {
      const old = join(folder, `.old-${process.pid}-${name}`);
      try {
        await rename(join(folder, name), old);
      } catch (error) {
        ignoreMissing(error);
        return false;
      }
      await rm(old, { recursive: true, force: true });
      return true;
    },
    lock: (name, options) => takeLock(join(folder, `.lock-${name}`), name, options),
  };
}

async function readStored(folder: string): Promise<StoredImage | undefined> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  let manifest: StoredImageManifest;
  try {
    manifest = storedImageSchema.parse(JSON.parse(text));
    await access(join(folder, 'disk.qcow2'), constants.R_OK);
  } catch {
    // Written by another version of gvm, or damaged: it is built again.
    return undefined;
  }
  const { memory, cpus, cpu } = manifest;
  return {
    name: manifest.name,
    digest: manifest.digest,
    layers: [{ path: join(folder, 'disk.qcow2'), format: 'qcow2' }],
    virtualSize: manifest.virtualSize,
    init: manifest.init,
    machine: {
      firmware: manifest.firmware,
      ...(memory === undefined ? {} : { memory }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(cpu === undefined ? {} : { cpu }),
    },
    login: manifest.login,
    folder,
    manifest,
  };
}

/** Removes what a gvm that was killed left behind. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^\.(?:work|old)-(\d+)-/.exec(name)?.[1]);
    if (pid > 0 && processIdentity(pid) === undefined) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

async function takeLock(
  path: string,
  name: string,
  { timeout, signal }: { timeout: number; signal?: AbortSignal | undefined },
): Promise<AsyncDisposable> {
  const own = processIdentity(process.pid);
  const started = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    try {
      await writeFile(path, JSON.stringify(own), { flag: 'wx' });
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await readHolder(path);
    if (holder === 'gone') {
      await rm(path, { force: true });
      continue;
    }
    if (performance.now() - started > timeout) {
      throw new GvmError({
        code: 'store-locked',
        message: `process ${holder?.pid ?? 'unknown'} has held the image ${name} for longer than ${Math.round(timeout / 1000)} s`,
        hint: 'wait for it to end, or end it',
      });
    }
    await pause(LOCK_POLL_MS, signal);
  }
}

/** Who holds a lock; `gone` where that process is no more. A lock that is being written has no holder yet. */
async function readHolder(path: string): Promise<ProcessIdentity | 'gone' | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (text === '') return undefined;
  const holder = JSON.parse(text) as ProcessIdentity;
  return isSameProcess(holder) ? holder : 'gone';
}
