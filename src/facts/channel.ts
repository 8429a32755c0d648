/** What a command in the guest came to. */
export interface ExecResult {
  exitCode: number | null;
  signal: string | null;
  stdout: Buffer;
  stderr: Buffer;
  truncated: boolean;
  durationMs: number;
}

/** The way into a guest, as facts and checks need it. */
export interface Channel {
  exec(command: string, options?: { timeout?: number; signal?: AbortSignal; maxOutput?: number }): Promise<ExecResult>;
}
