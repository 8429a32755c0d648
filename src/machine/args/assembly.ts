import { type Architecture, architectures } from './architecture.ts';
import type { MachineInput, MachineSocket, QemuCommand, QemuFile } from './input.ts';

/** One part of the machine: adds its options to the assembly. */
export type Family = (input: MachineInput, to: Assembly) => void;

// 0, 1 and 2 are the standard streams.
const FIRST_FD = 3;

/**
 * Collects options in order. With `handover: 'descriptors'` files and sockets become inherited descriptors; with
 * `'names'` the result is for a person's shell: real file names, and the serial line on the terminal.
 */
export class Assembly {
  readonly handover: 'descriptors' | 'names';
  readonly architecture: Architecture;
  readonly options: string[][] = [];
  readonly files: QemuFile[] = [];
  readonly sockets: QemuCommand['sockets'] = [];
  readonly devices: string[] = [];
  /** Descriptor of the device state that the machine goes on from. */
  incoming: number | undefined;
  /** The name by which QEMU opens the file for pictures of the screen. */
  screen: string | undefined;

  constructor(input: MachineInput, handover: 'descriptors' | 'names') {
    this.architecture = architectures[input.arch];
    this.handover = handover;
  }

  add(...words: string[]): void {
    this.options.push(words);
  }

  /** A block node; JSON needs no escaping of commas. */
  addNode(node: Record<string, unknown>): void {
    this.add('-blockdev', JSON.stringify(node));
  }

  /** Hands a disk file over as a descriptor set, and returns the name by which a block node opens it. */
  fileSet(path: string, writable: boolean): string {
    const fd = this.#claimFile(path, writable, false);
    this.add('-add-fd', `fd=${fd},set=${fd}`);
    return `/dev/fdset/${fd}`;
  }

  /** A name for a file that QEMU reads by fopen(3), which knows no descriptor sets. */
  readable(path: string): string {
    if (this.handover === 'names') return path;
    return `/proc/self/fd/${this.#claimFile(path, false, true)}`;
  }

  /** A name for a file of QEMU's account that QEMU opens itself, for writing too. */
  ownFile(path: string): string {
    return this.handover === 'names' ? path : `/proc/self/fd/${this.#claimFile(path, true, false)}`;
  }

  /** Hands over the device state that the machine goes on from. */
  incomingFrom(path: string): void {
    this.incoming = this.#claimFile(path, false, false);
  }

  /** Hands a connected socket over, and returns its descriptor. */
  socket(name: MachineSocket): number {
    const fd = this.#nextFd();
    this.sockets.push({ fd, name });
    return fd;
  }

  #claimFile(path: string, writable: boolean, reopened: boolean): number {
    const fd = this.#nextFd();
    this.files.push({ fd, path, writable, reopened });
    return fd;
  }

  #nextFd(): number {
    return FIRST_FD + this.files.length + this.sockets.length;
  }
}

/** Text as the value of a comma-separated option. */
export function optionValue(text: string): string {
  return text.replaceAll(',', ',,');
}
