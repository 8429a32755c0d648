import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findUefi } from '../../src/host/index.ts';
import type { MachineInput } from '../../src/machine/index.ts';
import { files, inputNamed } from '../machine/cases.ts';

const MIB = 2 ** 20;

/** Real files for the machines of the golden files, made below a folder when a machine names them. */
export class MachineFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The machine of a golden file. */
  of(name: string): MachineInput {
    return this.give(inputNamed(name));
  }

  /** A machine with every file in its place. */
  give(input: MachineInput): MachineInput {
    const at = (path: string) => this.path(path);
    const { boot, screen } = input;
    return {
      ...input,
      disks: input.disks.map((disk) => ({
        ...disk,
        layers: disk.layers.map((layer) => ({ ...layer, path: at(layer.path) })),
      })),
      boot:
        boot.firmware === 'uefi'
          ? { ...boot, code: at(boot.code), vars: at(boot.vars) }
          : boot.firmware === 'direct'
            ? { ...boot, kernel: at(boot.kernel), ...(boot.initrd === undefined ? {} : { initrd: at(boot.initrd) }) }
            : boot,
      ...(screen === undefined ? {} : { screen: at(screen) }),
    };
  }

  /** The real file of a name. */
  path(name: string): string {
    const real = join(this.#folder, name);
    if (existsSync(real)) return real;
    mkdirSync(dirname(real), { recursive: true });
    this.#make(name, real);
    return real;
  }

  #make(name: string, real: string): void {
    const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { stdio: 'ignore' });
    const [uefi, arm] = [findUefi(), findUefi('/', 'aarch64')];
    const make: Record<string, () => void> = {
      [files.raw]: () =>
        writeFileSync(real, Buffer.concat([bootSector('hello from the disk\r\n'), Buffer.alloc(MIB - 512)])),
      [files.base]: () => qemuImg('convert', '-f', 'raw', '-O', 'qcow2', this.path(files.raw), real),
      [files.overlay]: () => qemuImg('create', '-f', 'qcow2', '-b', this.path(files.base), '-F', 'qcow2', real),
      [files.rawOverlay]: () => qemuImg('create', '-f', 'qcow2', '-b', this.path(files.raw), '-F', 'raw', real),
      [files.seed]: () => writeFileSync(real, Buffer.alloc(64 * 1024)),
      [files.screen]: () => writeFileSync(real, ''),
      [files.kernel]: () => writeFileSync(real, smallestKernel(), { mode: 0o600 }),
      [files.initrd]: () => writeFileSync(real, Buffer.alloc(4096), { mode: 0o600 }),
      [files.code]: () => copyFileSync(uefi?.code ?? '', real),
      [files.vars]: () => copyFileSync(uefi?.vars ?? '', real),
      [files.armCode]: () => copyFileSync(arm?.code ?? '', real),
      [files.armVars]: () => copyFileSync(arm?.vars ?? '', real),
    };
    const other = () => qemuImg('create', '-f', 'qcow2', real, '1M');
    (make[name] ?? other)();
  }
}

/** A boot sector that writes one line to the serial port and halts. */
function bootSector(text: string): Buffer {
  const code = Buffer.from('fa31c08ed8be107cac84c07406baf803eeebf5f4', 'hex');
  const sector = Buffer.alloc(512);
  code.copy(sector);
  // The loop reads its text from 0x7c00 + its own length.
  sector.writeUInt16LE(0x7c00 + code.length, 6);
  sector.write(`${text}\0`, code.length, 'latin1');
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** A kernel in the old boot protocol's smallest form: QEMU loads it, and it is never entered here. */
function smallestKernel(): Buffer {
  const kernel = Buffer.alloc(64 * 1024);
  kernel.writeUInt8(1, 0x1f1);
  kernel.writeUInt16LE(0xaa55, 0x1fe);
  kernel.write('HdrS', 0x202, 'latin1');
  kernel.writeUInt16LE(0x0206, 0x206);
  kernel.writeUInt8(1, 0x211);
  kernel.writeUInt32LE(0x37ffffff, 0x22c);
  return kernel;
}
