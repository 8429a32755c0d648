import type { Log } from '../core/index.ts';
import type { AcceleratorChoice } from '../host/index.ts';
import type { BootProgress, Guest } from './guest.ts';
import type { Ownership } from './ownership.ts';
import type { GuestSpec } from './spec.ts';

export interface LabOptions {
  /** State folder for what survives: overlays, logs. */
  home: string;
  /** State folder for sockets and pid files. */
  runtime: string;
  log: Log;
  accelerator: Pick<AcceleratorChoice, 'name' | 'reason' | 'scale'>;
  ownership?: Ownership;
}

export interface StartGuestOptions {
  signal?: AbortSignal;
  onProgress?: (progress: BootProgress) => void;
}

/** The guests of one process. Disposing of it kills them and removes everything that belongs to the run. */
export interface Lab extends AsyncDisposable {
  /** The run's name, part of every process name and folder. */
  readonly run: string;
  /** Folder of the run's sockets and records. */
  readonly folder: string;
  /** Where `serveBroker` should listen. */
  readonly brokerPath: string;
  readonly scale: number;
  readonly guests: readonly Guest[];
  /**
   * Boots a guest and waits until it is ready.
   * @throws GvmError `boot-failed` or `boot-timeout` (details: a BootRecord, and where the console log is),
   * `login-refused`, `qemu-start`, `disk-full`, or the signal's reason.
   */
  start(spec: GuestSpec, options?: StartGuestOptions): Promise<Guest>;
}
