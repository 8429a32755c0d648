/** One file of a disk's backing chain; the format is known, never guessed. */
export interface DiskLayer {
  path: string;
  /** By QEMU's name for it. */
  format: 'qcow2' | 'raw' | 'vmdk' | 'vhdx' | 'vpc' | 'vdi';
}

export interface MachineDisk {
  /** Name of the disk in QEMU and its serial number in the guest; letters, digits, `-` and `_`. */
  id: string;
  /** The chain, top first. */
  layers: DiskLayer[];
  /** Whether the guest may write; it writes to the top layer alone. */
  writable: boolean;
  bus: 'virtio' | 'scsi' | 'sata' | 'nvme' | 'usb';
  /** Bytes of a logical and physical sector that the guest sees. */
  sector: 512 | 4096;
}

export interface MachineNetwork {
  model: string;
  /** `restricted` reaches nothing but the forwarded port, `internet` also what the host reaches, `none` has no cable. */
  mode: 'restricted' | 'internet' | 'none';
  /** Its MAC address from its next reset on; one of gvm's own where it is not given. */
  mac?: string;
  /**
   * The machine goes on from the state of one with another MAC address, to which QEMU's DHCP server has lent the address
   * that the login port is forwarded to: it lends from one address earlier, so that this one is lent the same.
   */
  renamed?: boolean;
}

export type MachineBoot =
  | { firmware: 'direct'; kernel: string; initrd?: string; append: string }
  | { firmware: 'bios' }
  /** `code` is only read; `vars` is the guest's own copy of the variable store, and is written. */
  | { firmware: 'uefi'; code: string; vars: string };

export interface MachineRam {
  /** As large as the memory. */
  path: string;
  /** Whether the guest writes into the file. Otherwise it maps it copy-on-write, and the file stays as it is. */
  shared: boolean;
  /** A device state to go on from instead of a boot (`saveState`). */
  state?: string;
}

/** Everything that QEMU's command line depends on; what is not here does not change it. */
export interface MachineInput {
  /** `gvm-RUN-GUEST`: what `ps` shows and stray processes are recognised by. */
  name: string;
  arch: 'x86_64' | 'aarch64';
  /** Bytes. */
  memory: number;
  cpus: number;
  /** A QEMU CPU model; without one, the host's under KVM and the fullest under TCG. */
  cpu?: string;
  accelerator: 'kvm' | 'tcg';
  boot: MachineBoot;
  disks: MachineDisk[];
  networks: MachineNetwork[];
  /** Guest TCP port forwarded from a free port of 127.0.0.1, on the first network that has a cable. */
  forward: number;
  /** Has a virtio console, hvc0 in the guest, with a socket of gvm's at its other end. */
  shell?: boolean;
  /** A guest that reboots ends QEMU instead. */
  noReboot?: boolean;
  /** Has a screen, and this file of QEMU's account for pictures of it. */
  screen?: string;
  /** Keeps the guest's memory in a file of QEMU's account: for guests that others fork from, and for forks. */
  ram?: MachineRam;
}

/** A file that gvm opens and QEMU receives as a descriptor. */
export interface QemuFile {
  fd: number;
  path: string;
  writable: boolean;
  /** QEMU opens it once more through /proc/self/fd, so its account needs the permission to read it. */
  reopened: boolean;
}

/** What QEMU and gvm are connected by: the monitor, the first serial line, the ports of the console channel, hvc0. */
export type MachineSocket = 'qmp' | 'serial' | 'control' | 'data' | 'errors' | 'shell';

/** A command line and the descriptors that it speaks of; `startMachine` runs it. */
export interface QemuCommand {
  binary: string;
  argv: string[];
  files: QemuFile[];
  sockets: { fd: number; name: MachineSocket }[];
  /** Device nodes of the host that QEMU opens by name. */
  devices: string[];
  /** Descriptor of the device state that the machine goes on from. */
  incoming?: number;
  /** QEMU's name of the file for pictures of the screen. */
  screen?: string;
}
