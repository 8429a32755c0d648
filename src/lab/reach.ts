import type { Machine } from '../machine/index.ts';

const TIMEOUT = 2000;

/**
 * Whether QEMU's user network has brought a connection to the guest, or still knocks. The guest is not asked.
 * @param port the guest's port
 */
export async function reachesGuest(machine: Machine, port: number): Promise<boolean> {
  const text = await machine.qmp.execute(
    'human-monitor-command',
    { 'command-line': 'info usernet' },
    { timeout: TIMEOUT },
  );
  return parseEstablished(text, port);
}

/** Whether the answer of `info usernet` has an established connection to a port of the guest. */
export function parseEstablished(text: string, port: number): boolean {
  return text.split('\n').some((line) => {
    const match = /^\s*TCP\[ESTABLISHED\]\s+\d+\s+\S+\s+\d+\s+\S+\s+(\d+)\s/.exec(line);
    return match?.[1] === String(port);
  });
}
