import { execFileSync } from 'node:child_process';
import { copyFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { findTool } from '../../../src/process/index.ts';

/** In a folder that holds `key`, makes encrypted disks of plain ones, without the kernel. */
export class Encryption {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #run(tool: string, ...args: string[]): void {
    execFileSync(findTool(tool) ?? tool, args, { cwd: this.#folder, stdio: 'pipe' });
  }

  /** LUKS2 by cryptsetup, which encrypts where the data lies. */
  byCryptsetup(plain: string, name: string, ...options: string[]): string {
    const path = join(this.#folder, name);
    copyFileSync(join(this.#folder, plain), path);
    truncateSync(path, statSync(path).size + 8 * 2 ** 20);
    const fixed = ['--encrypt', '-q', '--type', 'luks2', '--reduce-device-size', '8M', '--key-file', 'key'];
    this.#run('cryptsetup', 'reencrypt', ...fixed, ...options, name);
    return path;
  }

  /** LUKS1 by QEMU. It measures how fast it is, and gives up on a busy host: then it is asked again. */
  byQemu(plain: string, name: string, cipher = 'aes-256'): string {
    const secret = ['--object', 'secret,id=k,file=key'];
    const how = `key-secret=k,iter-time=10,ivgen-alg=plain64,cipher-alg=${cipher}`;
    const { size } = statSync(join(this.#folder, plain));
    for (let attempts = 1; ; attempts++) {
      try {
        this.#run('qemu-img', 'create', '-q', ...secret, '-f', 'luks', '-o', how, name, String(size));
        break;
      } catch (error) {
        if (attempts === 20 || !String(error).includes('accurate CPU usage')) throw error;
      }
    }
    const target = `driver=luks,key-secret=k,file.filename=${name}`;
    this.#run('qemu-img', 'convert', '-q', ...secret, '-f', 'raw', '--target-image-opts', '-n', plain, target);
    return join(this.#folder, name);
  }
}
