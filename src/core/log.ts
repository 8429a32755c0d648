/** How much a person wants to read: -1 quiet, 0 normal, 1 and more verbose. */
export interface Log {
  /** Said always, also under `-q`: something is wrong or was refused. */
  warn(text: string): void;
  /** Said in a normal run: what gvm does and why. */
  info(text: string): void;
  /** Said under `-v`. */
  detail(text: string): void;
}

/** A log that writes whole lines to a stream at or above a verbosity. */
export function createLog(write: (line: string) => void, verbosity: number): Log {
  return {
    warn: (text) => write(`warning: ${text}`),
    info: (text) => verbosity >= 0 && write(text),
    detail: (text) => verbosity >= 1 && write(text),
  };
}

/** A log that says nothing. */
export const silentLog: Log = { warn() {}, info() {}, detail() {} };
