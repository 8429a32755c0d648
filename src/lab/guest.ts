import type { GvmError } from '../errors/index.ts';
import type { Channel, ConsoleFinding, SshAddress } from '../guest/index.ts';
import type { BootRecord, RebootRecord, Stage } from '../schema/index.ts';
import type { SerialLine } from './consoles.ts';
import type { GuestSpec } from './spec.ts';

/** A guest on its way: the stage that its console shows, and when since the start of QEMU. */
export interface BootProgress {
  stage: Stage;
  atMs: number;
}

/** Where a failed guest's remains are. */
export interface KeptGuest {
  folder: string;
  overlay: string;
  consoleLog: string;
  /** The command that leads back in. */
  reopen: string;
}

export interface RestartOptions {
  timeout?: number;
  signal?: AbortSignal;
}

/** A ready guest. Disposing of it kills it and removes its files; an orderly end is `powerOff`. */
export interface Guest extends AsyncDisposable {
  readonly name: string;
  readonly spec: GuestSpec;
  /** `gvm-RUN-GUEST` */
  readonly processName: string;
  readonly pid: number;
  readonly argv: readonly string[];
  /** When QEMU was started, on the host's monotonic clock. */
  readonly startedAt: number;
  /** As in the run manifest: both times, and the stages with theirs. */
  readonly boot: BootRecord;
  /** The boots after the first one. */
  readonly reboots: readonly RebootRecord[];
  /** Where to log in, another one after a loss of power; none where it is entered over the console channel. */
  readonly ssh: SshAddress | undefined;
  /** The console as lines with their times, for people. */
  readonly consoleLog: string;
  /** The serial console itself, which gvm goes on reading. */
  readonly serialLine: SerialLine;
  /** What all deadlines in this guest are multiplied by. */
  readonly scale: number;
  /** The connection over which the guest was found ready; a reboot ends it, and there is another one then. */
  channel(): Channel;
  /** The channel over virtio-serial ports, whether or not anything in the guest answers there. */
  readonly console: Channel;
  /** Resolves when a guest that was ready ended unasked or panicked, with `guest-lost`. */
  readonly lost: Promise<GvmError>;
  /** What the kernel complained of on the console so far. */
  healthFindings(): ConsoleFinding[];
  /** The last lines of the console. */
  consoleTail(lines: number): string[];
  /** Asks the guest to power off (SSH, then ACPI), then QEMU to quit, then kills it. Its files stay until disposal. */
  powerOff(options?: { timeout?: number; signal?: AbortSignal }): Promise<'guest' | 'acpi' | 'killed'>;
  /**
   * Lets the guest reboot itself and waits until it is ready again; a guest that does not become so is lost.
   * @param options.timeout milliseconds for each half of the way, before scaling; that of its machine by default
   * @throws GvmError `guest-lost`, `boot-failed`, `boot-timeout`, `login-refused`; or the signal's reason
   */
  reboot(options?: RestartOptions): Promise<RebootRecord>;
  /** Takes the power away, as when a plug is pulled, gives it back, and waits until the guest is ready again. */
  crash(options?: RestartOptions): Promise<RebootRecord>;
  /** Pulls the cables out of all network cards, or puts them back. */
  setLink(up: boolean): Promise<void>;
  /**
   * Ends a `freezable` guest and leaves in an empty folder what forks go on from (`checkpoint` of their description).
   * @returns whether forks can be entered by the console channel
   * @throws GvmError `checkpoint-failed`, `disk-full`; or the signal's reason
   */
  freeze(folder: string, signal: AbortSignal): Promise<{ console: boolean }>;
  kill(): Promise<void>;
  /** Keeps the guest's folder when it is disposed of. */
  keep(): KeptGuest;
}
