import { type Log, ReleaseStack, silentLog } from '../core/index.ts';
import type { ImageChain } from './image/layer.ts';
import { type OpenImageOptions, openImage } from './image/open.ts';
import { isNbdUri, parseNbdUri } from './nbd/address.ts';
import { exportChain } from './nbd/export.ts';
import { NbdSource } from './nbd/source.ts';
import { CachedSource } from './source/cached.ts';
import { FileSource } from './source/file.ts';
import { SliceSource } from './source/slice.ts';
import type { BlockSource } from './source/source.ts';
import { openVmdk } from './source/vmdk.ts';
import { unsupported } from './trouble.ts';

export interface OpenDiskOptions extends OpenImageOptions {
  log?: Log;
  signal?: AbortSignal | undefined;
}

/** An opened disk: the bytes that a guest would see. Disposing of it ends whatever served them. */
export interface Disk extends AsyncDisposable {
  /** The audited files, top first; undefined for a disk of an NBD server. */
  chain: ImageChain | undefined;
  source: BlockSource;
}

/**
 * Opens an image file, or the export of an NBD server (`nbd://…`, `nbd+unix://…`), for reading.
 * @throws GvmError as {@link openImage}, `nbd-failed`, `tool-missing`
 */
export async function openDisk(image: string, options: OpenDiskOptions = {}): Promise<Disk> {
  if (!isNbdUri(image)) return openChain(await openImage(image, options), options);
  const source = new CachedSource(await NbdSource.connect(parseNbdUri(image), { signal: options.signal }));
  return { chain: undefined, source, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() };
}

/** Opens an audited chain: a raw file and VMDK disks directly, anything else through qemu-nbd. */
export async function openChain(
  chain: ImageChain,
  { log = silentLog, signal }: Pick<OpenDiskOptions, 'log' | 'signal'> = {},
): Promise<Disk> {
  const releases = new ReleaseStack();
  const [top] = chain.layers;
  try {
    let base: BlockSource;
    if (top && chain.layers.length === 1 && top.format === 'raw') base = await FileSource.open(top.path);
    else if (top?.format === 'vmdk') base = await openVmdk(chain.layers);
    else {
      const { address } = releases.use(await exportChain(chain, { log, signal }));
      base = await NbdSource.connect(address, { signal });
      // qemu-nbd shows a snapshot in the size that the disk has now.
      if (base.size < chain.virtualSize)
        throw unsupported(top?.path ?? '', 'a snapshot that is larger than the disk is now');
      if (chain.snapshot && base.size > chain.virtualSize)
        base = new SliceSource(releases.use(base), 0, chain.virtualSize);
    }
    const source = releases.use(new CachedSource(base));
    return { chain, source, [Symbol.asyncDispose]: () => releases[Symbol.asyncDispose]() };
  } catch (error) {
    await releases[Symbol.asyncDispose]();
    throw error;
  }
}
