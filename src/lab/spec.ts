import type { DiskLayer } from '../machine/index.ts';
import type { Identity, ResolvedMachine } from '../schema/index.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';

/** An image whose format and chain were checked by who resolved its name. */
export interface GuestImage {
  name: string;
  digest: string;
  /** The chain, top first; none of it is ever written. */
  layers: DiskLayer[];
  /** Bytes that the guest sees. */
  virtualSize: number;
}

export type GuestBoot =
  /** `append` is the image's own kernel command line; the machine's `append` follows it. */
  | { firmware: 'direct'; kernel: string; initrd?: string; append: string }
  | { firmware: 'bios' }
  /** The variable store is copied for each guest. */
  | { firmware: 'uefi'; code: string; varsTemplate: string };

/** What says that a guest has settled: its init's own word, or (`none`, `unknown`) that it answers at all. */
export type InitSystem = 'openrc' | 'systemd' | 'none' | 'unknown';

export interface GuestKernel {
  /** What was given. */
  source: string;
  /** SHA-256 of the kernel image as it was given. */
  digest: string;
  /** Where the file tells it. */
  release?: string;
  /** A file system with its modules, for a read-only disk with the serial number `modules`. */
  moduleDisk?: string;
}

/** A guest as described; all names are resolved and all layers of configuration applied. */
export interface GuestSpec {
  /** Letters, digits and `-`; unique in the lab. It becomes the guest's host name. */
  name: string;
  image: GuestImage;
  machine: ResolvedMachine;
  boot: GuestBoot;
  init: InitSystem;
  /** A kernel that was brought along, instead of the image's own. */
  kernel?: GuestKernel;
  /** How commands get into it: over its network, or over virtio-serial ports that a responder answers. */
  channel: 'ssh' | 'console';
  /** The images of `machine.disks[].image`, by what stands there. */
  diskImages?: Readonly<Record<string, GuestImage>>;
  /** Keeps its memory in a file, so that it can be frozen. */
  freezable?: true;
  /** What it goes on from instead of booting; made by a guest of the same description. */
  checkpoint?: Checkpoint;
  /** What it then has of its own, beside its clock and its entropy. */
  identity?: readonly Identity[];
  /** The MAC addresses of a fork that has its own. */
  macs?: readonly string[];
}
