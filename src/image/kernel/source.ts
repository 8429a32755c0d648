import type { Stats } from 'node:fs';
import type { StoredKernelManifest } from '../../schema/index.ts';
import type { BuildContext } from '../build/events.ts';
import { buildTree } from './build-tree.ts';
import { kernelFile } from './file.ts';
import { kernelImage } from './image.ts';
import { kernelPackage } from './package.ts';
import { rootTree } from './root-tree.ts';

/** A kernel taken out of where it came from. */
export interface UnpackedSource {
  /** The kernel image. */
  image: string;
  /** Release of the modules; without any it is what the image says. */
  release?: string;
  /** Folder that holds the module tree under the name of the release, ours to change. */
  modules?: string;
  /** The configuration that it was built with. */
  config?: string;
}

/** One form in which a kernel can be given. */
export interface KernelSource {
  kind: StoredKernelManifest['kind'];
  /** Whether a path is of this form. The first form that takes it is asked for the rest. */
  takes(path: string, stat: Stats): boolean | Promise<boolean>;
  /** The files whose names, sizes and times say whether it is still the same; without them its content does. */
  watched?(path: string): Promise<string[] | undefined>;
  /** Takes it apart; what is made on the way goes into `folder`. @throws GvmError `usage` where something is missing */
  unpack(path: string, folder: string, context: BuildContext): Promise<UnpackedSource>;
}

/** Every form, in the order in which they are tried. */
export const kernelSources: readonly KernelSource[] = [kernelPackage, kernelImage, buildTree, rootTree, kernelFile];
