import type { GvmError } from '../errors/index.ts';
import type { Channel, ConsoleFinding, SshAddress } from '../guest/index.ts';
import type { BootRecord, Stage } from '../schema/index.ts';
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
  readonly ssh: SshAddress;
  /** The console as lines with their times, for people. */
  readonly consoleLog: string;
  /** What all deadlines in this guest are multiplied by. */
  readonly scale: number;
  /** The connection over which the guest was found ready; it lives as long as the guest. */
  channel(): Channel;
  /** Resolves when a guest that was ready ended unasked or panicked, with `guest-lost`. */
  readonly lost: Promise<GvmError>;
  /** What the kernel complained of on the console so far. */
  healthFindings(): ConsoleFinding[];
  /** The last lines of the console. */
  consoleTail(lines: number): string[];
  /** Asks the guest to power off (SSH, then ACPI), then QEMU to quit, then kills it. Its files stay until disposal. */
  powerOff(options?: { timeout?: number; signal?: AbortSignal }): Promise<'guest' | 'acpi' | 'killed'>;
  kill(): Promise<void>;
  /** Keeps the guest's folder when it is disposed of. */
  keep(): KeptGuest;
}
