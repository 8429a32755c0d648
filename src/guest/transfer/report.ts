/** What was not copied, and why. */
export interface LeftOut {
  /** The path on the side that it was read from. */
  path: string;
  reason: string;
}

/** What a transfer came to. */
export interface TransferReport {
  /** Files with content, counted once for each of their names. */
  files: number;
  /** Bytes of their contents. */
  bytes: number;
  /** Devices, sockets, links out of the target folder and the like. */
  leftOut: LeftOut[];
}
