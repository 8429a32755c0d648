import { type CpioEntry, writeCpio } from '../../disk/index.ts';
import { moduleName } from '../../facts/index.ts';
import { initScript } from './init-script.ts';

/** What an initramfs is made of; all bytes are in memory, nothing is read here. */
export interface InitramfsParts {
  /** A static busybox. */
  busybox: Uint8Array;
  /** Module files in the order in which they are loaded: path in the module tree, bytes. */
  modules: readonly { path: string; bytes: Uint8Array }[];
  /** Seconds since 1970 of every entry. */
  mtime: number;
  /** Release of the kernel whose modules are on a disk of their own, which `/init` mounts. */
  moduleDisk?: string;
}

/**
 * The bytes of gvm's initramfs: busybox, the modules given and `/init`, which loads them, waits for `root=` and hands
 * over. Uncompressed: under emulation the kernel needs longer to unpack it than the firmware to bring it.
 */
export function writeInitramfs(parts: InitramfsParts): Uint8Array {
  const names = parts.modules.map((module) => `${moduleName(module.path)}.ko`);
  const entries: CpioEntry[] = [
    ...['bin', 'dev', 'lib', 'proc', 'root', 'sys'].map((path) => ({ path, kind: 'folder' as const })),
    { path: 'bin/busybox', kind: 'file', mode: 0o755, bytes: parts.busybox },
    // The kernel opens it before /init has mounted anything.
    { path: 'dev/console', kind: 'device', mode: 0o600, major: 5, minor: 1 },
    { path: 'init', kind: 'file', mode: 0o755, bytes: Buffer.from(initScript) },
    { path: 'modules', kind: 'file', bytes: Buffer.from(names.map((name) => `${name}\n`).join('')) },
    ...(parts.moduleDisk === undefined
      ? []
      : [{ path: 'module-disk', kind: 'file' as const, bytes: Buffer.from(`${parts.moduleDisk}\n`) }]),
    ...parts.modules.map((module, index) => ({
      path: `lib/${names[index]}`,
      kind: 'file' as const,
      bytes: module.bytes,
    })),
  ];
  return writeCpio(entries, { mtime: parts.mtime });
}
