import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeCpio } from '../../src/disk/index.ts';
import type { GuestSpec } from '../../src/lab/index.ts';
import { mutate } from './mutation.ts';
import type { TestLab } from './test-lab.ts';

const MIB = 2 ** 20;

/** Makes guests that are broken, each in its own way; their files lie in a folder of the test. */
export class Workshop {
  readonly bench: TestLab;
  readonly folder: string;

  constructor(bench: TestLab, folder: string) {
    this.bench = bench;
    this.folder = folder;
  }

  #path(name: string): string {
    return join(this.folder, name);
  }

  /** A disk with nothing on it. */
  empty(name: string): GuestSpec['image'] {
    const path = this.#path(`${name}.raw`);
    writeFileSync(path, '');
    truncateSync(path, 4 * MIB);
    return { name: 'empty', digest: '', layers: [{ path, format: 'raw' }], virtualSize: 4 * MIB };
  }

  /** An image without boot code for a BIOS, as a disk that was made for UEFI alone, started by one. */
  async uefiOnly(name: string): Promise<GuestSpec> {
    const spec = await this.bench.describe(name, { firmware: 'bios' });
    const path = this.#path(`${name}.qcow2`);
    const below = spec.image.layers[0]?.path ?? '';
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', below, '-F', 'qcow2', path]);
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -z 0 440', path]);
    return { ...spec, image: { ...spec.image, layers: [{ path, format: 'qcow2' }, ...spec.image.layers] } };
  }

  /** An image's kernel with another first program (a shell script, or the bytes of a file), and an empty disk. */
  async bare(name: string, init: string | Buffer | undefined, append = '', memory = '256M'): Promise<GuestSpec> {
    const whole = await this.bench.describe(name, { memory });
    const kernel = kernelOf(whole);
    const boot = { firmware: 'direct' as const, kernel, append: `console=ttyS0 quiet no_timer_check ${append}` };
    if (init === undefined) return { ...whole, image: this.empty(name), boot };
    const bytes = typeof init === 'string' ? Buffer.from(`#!/busybox sh\n${init}\n`) : init;
    const initrd = this.#path(`${name}.cpio`);
    const entries = [
      { path: 'dev', kind: 'folder' as const },
      { path: 'dev/console', kind: 'device' as const, mode: 0o600, major: 5, minor: 1 },
      { path: 'busybox', kind: 'file' as const, mode: 0o755, bytes: readFileSync(join(dirname(kernel), 'busybox')) },
      { path: 'init', kind: 'file' as const, mode: 0o755, bytes },
    ];
    writeFileSync(initrd, writeCpio(entries, { mtime: 0 }));
    return { ...whole, image: this.empty(name), boot: { ...boot, initrd } };
  }

  /** An image whose root file system is changed by a shell script just before init starts. */
  async changed(
    name: string,
    change: { disk?: string; late?: string; files?: Record<string, Buffer>; machine?: Record<string, unknown> },
    image = 'openrc',
  ): Promise<GuestSpec> {
    const spec = await this.bench.describe(name, { firmware: 'direct', ...change.machine }, image);
    if (spec.boot.firmware !== 'direct' || !spec.boot.initrd) throw new Error('expected an initramfs');
    const initrd = this.#path(`${name}.img`);
    const { disk = '', late = '', files } = change;
    writeFileSync(initrd, mutate(readFileSync(spec.boot.initrd), [disk], [late], files));
    return { ...spec, boot: { ...spec.boot, initrd, append: `${spec.boot.append} rdinit=/mutate` } };
  }

  /** An image started by its own boot loader, with its EFI system partition changed by mtools. */
  async edited(
    name: string,
    edits: readonly (readonly string[])[],
    image = 'openrc',
    firmware = 'uefi',
  ): Promise<GuestSpec> {
    const spec = await this.bench.describe(name, { firmware }, image);
    const path = this.#path(`${name}.raw`);
    execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', spec.image.layers[0]?.path ?? '', path]);
    for (const [tool = '', ...args] of edits) mtool(tool, path, args);
    return { ...spec, image: { ...spec.image, layers: [{ path, format: 'raw' }] } };
  }

  /** A file for `edited` to copy into a partition. */
  file(name: string, text: string): string {
    writeFileSync(this.#path(name), text);
    return this.#path(name);
  }
}

/** Runs one of mtools on the first partition of a disk. */
function mtool(tool: string, disk: string, args: readonly string[]): Buffer {
  const env = { ...process.env, MTOOLS_SKIP_CHECK: '1' };
  return execFileSync(tool, ['-i', `${disk}@@1M`, ...args], { env, maxBuffer: 2 ** 27 });
}

function kernelOf(spec: GuestSpec): string {
  return spec.boot.firmware === 'direct' ? spec.boot.kernel : '';
}

/**
 * A program that uses an instruction of AVX2 and then becomes another: an ELF file of one segment (System V ABI, AMD64
 * supplement), written by hand because no compiler is needed for it.
 */
export function avx2Program(then: string): Buffer {
  const code = Buffer.concat([
    Buffer.from('c5fdefc0c5f877', 'hex'), // vpxor ymm0, ymm0, ymm0; vzeroupper
    Buffer.from('488d3d0f000000', 'hex'), // lea rdi, [rip + 15]: the path after the code
    Buffer.from('488d742408', 'hex'), // lea rsi, [rsp + 8]: our own arguments
    Buffer.from('31d2', 'hex'), // xor edx, edx: no environment
    Buffer.from('b83b000000', 'hex'), // mov eax, 59: execve
    Buffer.from('0f05f4', 'hex'), // syscall; hlt
    Buffer.from(`${then}\0`),
  ]);
  const [address, headers] = [0x400000n, 120];
  const elf = Buffer.alloc(headers);
  elf.write('\x7fELF\x02\x01\x01', 'latin1');
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(62, 18); // x86-64
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(address + BigInt(headers), 24); // entry
  elf.writeBigUInt64LE(64n, 32); // program headers
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // PT_LOAD
  elf.writeUInt32LE(5, 68); // readable, executable
  elf.writeBigUInt64LE(address, 80);
  elf.writeBigUInt64LE(address, 88);
  const size = BigInt(headers + code.length);
  elf.writeBigUInt64LE(size, 96);
  elf.writeBigUInt64LE(size, 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([elf, code]);
}
