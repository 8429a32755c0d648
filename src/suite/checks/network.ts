const TIMEOUT = 5000;

/** The whole seconds that a program in the guest is given for a timeout in milliseconds before scaling. */
export function secondsFor(timeout: number | undefined, scale: number): number {
  return Math.max(1, Math.ceil(((timeout ?? TIMEOUT) * scale) / 1000));
}
