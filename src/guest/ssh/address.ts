/** All that a process needs to log in to a guest; it travels as JSON to workers and to other commands. */
export interface SshAddress {
  host: string;
  port: number;
  user: string;
  /** The private key, a file of the run that only its owner can read. */
  keyPath: string;
  /** The guest's host key as pinned at its first boot: `ssh-ed25519 AAAA…`. */
  hostKey: string;
}
