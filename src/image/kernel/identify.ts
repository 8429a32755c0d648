// Tells what a kernel image is for and which release it is.
// Specification: Documentation/arch/x86/boot.rst (kernel_version), Documentation/arch/arm64/booting.rst, ELF.
// Not read: compressed arm64 images; kernels of other architectures.
import type { StoredKernelManifest } from '../../schema/index.ts';

export interface KernelIdentity {
  arch: StoredKernelManifest['arch'];
  release?: string;
}

const LONGEST_RELEASE = 128;
const ELF_MACHINES: Record<number, KernelIdentity['arch']> = { 62: 'x86_64', 183: 'aarch64' };
const BANNER = Buffer.from('Linux version ');

/** The architecture and, where it stands in the file, the release; undefined for what is no kernel that is known here. */
export function identifyKernel(image: Buffer): KernelIdentity | undefined {
  if (image.length < 0x264) return undefined;
  if (image.toString('latin1', 0x202, 0x206) === 'HdrS') {
    // The pointer is less 0x200, counted from the start of the file.
    const pointer = image.readUInt16LE(0x20e);
    return known('x86_64', pointer === 0 ? undefined : word(image, pointer + 0x200));
  }
  if (image.toString('latin1', 0x38, 0x3c) === 'ARM\x64') return known('aarch64', banner(image));
  if (image.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const arch = ELF_MACHINES[image.readUInt16LE(18)];
  return arch && known(arch, banner(image));
}

function known(arch: KernelIdentity['arch'], release: string | undefined): KernelIdentity {
  return release === undefined ? { arch } : { arch, release };
}

function banner(image: Buffer): string | undefined {
  for (let at = image.indexOf(BANNER); at !== -1; at = image.indexOf(BANNER, at + 1)) {
    // The format string of the same words has a percent sign here.
    const found = word(image, at + BANNER.length);
    if (found) return found;
  }
  return undefined;
}

/** The text up to a blank, where it can be a release. */
function word(image: Buffer, at: number): string | undefined {
  return /^\d[\w.+~-]*(?=[\s\0])/.exec(image.toString('latin1', at, at + LONGEST_RELEASE))?.[0];
}
