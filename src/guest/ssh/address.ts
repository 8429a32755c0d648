/** Who logs in and how; secrets stay where they are, and only their places travel. */
export interface SshLogin {
  user: string;
  /** A private key: that of the run, a file that only its owner can read, or one of the user's. */
  keyPath?: string;
  /** The keys of the user's ssh agent. */
  agent?: boolean;
  /** The variable of the environment that holds the password. */
  passwordEnv?: string;
  /** What a user other than root runs commands through, to run them as root. */
  become?: 'none' | 'sudo' | 'doas';
}

/** All that a process needs to log in to a guest; it travels as JSON to workers and to other commands. */
export interface SshAddress extends SshLogin {
  host: string;
  port: number;
  /** The guest's host key as pinned at its first boot: `ssh-ed25519 AAAA…`. */
  hostKey: string;
}
