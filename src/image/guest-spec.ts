import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { layerMachine, type MachineLayer } from '../config/index.ts';
import { nearest } from '../core/index.ts';
import { filesOf, type ImageChain, isOneFile, openImage } from '../disk/index.ts';
import { GvmError } from '../errors/index.ts';
import type { GuestImage, GuestSpec, InitSystem } from '../lab/index.ts';
import type { ChannelKey, MachineKeys, ResolvedMachine } from '../schema/index.ts';
import { bootOf } from './boot.ts';
import { type BuildOptions, ensureImage } from './ensure.ts';
import { listRecipes, loadRecipe } from './recipe.ts';
import type { ImageStore, StoredImage } from './store.ts';

export interface DescribeOptions extends BuildOptions {
  /** The name of a recipe, or a disk file. */
  image: string;
  /** The name of the guest. */
  guest: string;
  /** What file names are relative to. */
  cwd: string;
  /** Folders of recipes, the first that has a name wins. */
  recipes: readonly string[];
  store: ImageStore;
  /** Machine keys above the image's own, lowest first. */
  layers: readonly MachineLayer[];
  /** The format of a disk file whose name does not tell it. */
  format?: string | undefined;
  /** Folders that backing chains may reach into. */
  allow?: readonly string[] | undefined;
  /** What deadlines are multiplied by. */
  scale: number;
  /** How commands get into the guest. Default `auto`: SSH where it has a network and no shell waits, else the console channel. */
  channel?: ChannelKey | undefined;
}

/** An image that was found: what a guest needs to know of it. */
export interface FoundImage {
  image: GuestImage;
  /** The same files as a disk that is only read. */
  chain: ImageChain;
  init: InitSystem;
  /** The lowest layer: what the image itself asks for. */
  own: MachineLayer;
  stored?: StoredImage;
}

/**
 * A guest of an image, with every layer of configuration applied. An image that is not built yet is built.
 * @throws GvmError `image-unknown`, `image-format`, `image-refused`, `image-corrupt`, `document-invalid` (a kernel for
 * another firmware than direct), `host-resource` (no firmware files), or what a build or a kernel throws
 */
export async function describeGuest(options: DescribeOptions): Promise<GuestSpec> {
  const found = bootable(await findImage(options.image, options));
  const { machine } = layerMachine([found.own, ...options.layers]);
  const diskImages: Record<string, GuestImage> = {};
  for (const disk of machine.disks) {
    if (disk.image !== undefined) diskImages[disk.image] ??= bootable(await findImage(disk.image, options)).image;
  }
  return {
    name: options.guest,
    image: found.image,
    machine,
    ...(await bootOf(found, machine, options)),
    init: found.init,
    channel: channelOf(options.channel ?? 'auto', machine),
    ...(Object.keys(diskImages).length > 0 ? { diskImages } : {}),
  };
}

function channelOf(channel: ChannelKey, { networks, login }: ResolvedMachine): GuestSpec['channel'] {
  if (channel !== 'auto') return channel;
  if (login.shell !== undefined) return 'console';
  return networks.some((network) => network.mode !== 'none') ? 'ssh' : 'console';
}

/** What is needed to find an image by its name. */
type FindOptions = BuildOptions & Pick<DescribeOptions, 'cwd' | 'recipes' | 'store' | 'format' | 'allow'>;

/** An image by the name of its recipe, or a file. @throws as `describeGuest` */
export async function findImage(name: string, options: FindOptions): Promise<FoundImage> {
  const recipes = await listRecipes(options.recipes);
  const recipe = recipes.get(name);
  if (recipe) return fromStore(await ensureImage(options.store, await loadRecipe(recipe), options), recipe);
  const file = resolve(options.cwd, name);
  if (existsSync(file) || name.includes('/') || extname(name) !== '') return await fromFile(name, file, options);
  const guess = nearest(name, recipes.keys());
  throw new GvmError({
    code: 'image-unknown',
    message: `no recipe and no file is called ${name}`,
    hint: guess ? `did you mean ${guess}?` : `the recipes are: ${[...recipes.keys()].join(', ')}`,
  });
}

function fromStore(stored: StoredImage, recipe: string): FoundImage {
  const { name, digest, layers, virtualSize, init, machine, manifest, login } = stored;
  const keys: MachineKeys = { ...machine, firmware: manifest.firmware, login };
  const chain = { layers: layers.map((layer) => ({ ...layer, virtualSize })), virtualSize };
  return { image: { name, digest, layers, virtualSize }, chain, init, own: { origin: recipe, keys }, stored };
}

async function fromFile(name: string, file: string, { format, allow }: FindOptions): Promise<FoundImage> {
  const chain = await openImage(file, { format, allow: allow ?? [] });
  const layers = chain.layers.map(({ path, format: kind }) => ({ path, format: kind }));
  const digest = await digestOf(filesOf(chain));
  const image = { name, digest, layers, virtualSize: chain.virtualSize };
  return { image, chain, init: 'unknown', own: { origin: file, keys: {} } };
}

/** @throws GvmError `image-format` for an image that QEMU cannot be given */
function bootable(found: FoundImage): FoundImage {
  const parted = found.chain.layers.find((layer) => !isOneFile(layer));
  if (!parted) return found;
  throw new GvmError({
    code: 'image-format',
    message: `${parted.path} lies in several files, and a guest is given one for each layer`,
    hint: `convert it: qemu-img convert -f ${parted.format} -O qcow2 ${parted.path} ${basename(parted.path, extname(parted.path))}.qcow2`,
    details: { path: parted.path },
  });
}

/** SHA-256 over the files of a chain, top first. */
async function digestOf(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths)
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  return hash.digest('hex');
}
