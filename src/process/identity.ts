import { readFileSync } from 'node:fs';
import { monotonic, pause } from '../core/index.ts';

/** Names one process for good: a process number is reused, a number with its start time is not (until a reboot). */
export interface ProcessIdentity {
  pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot (proc(5)). */
  startTime: string;
  /** /proc/sys/kernel/random/boot_id of the boot in which it ran. */
  boot: string;
}

/** The identity of a process that runs now; undefined when there is none, or when it has ended and is not reaped. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may itself hold parentheses and spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTime] = [fields[0], fields[19]];
    if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
    return { pid, startTime, boot: bootId() };
  } catch {
    return undefined;
  }
}

/** Whether the process that an identity names is alive. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  const now = processIdentity(identity.pid);
  return now !== undefined && now.startTime === identity.startTime && now.boot === identity.boot;
}

/**
 * Kills exactly the process that an identity names, never a later one with its number, and waits until it is gone.
 * @returns false when it still lives after `timeout` milliseconds (it waits in the kernel).
 */
export async function killIdentified(identity: ProcessIdentity, timeout = 5000): Promise<boolean> {
  const deadline = monotonic() + timeout;
  while (isSameProcess(identity)) {
    try {
      process.kill(identity.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
    }
    if (monotonic() > deadline) return false;
    await pause(10);
  }
  return true;
}

/** Identity of this boot of the host. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
