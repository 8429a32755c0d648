import type { Machine } from '../machine/index.ts';

const TIMEOUT = 2000;

/**
 * Whether QEMU's user network has brought a connection to the guest, or still knocks. The guest is not asked.
 * @param port the guest's port
 */
export async function reachesGuest(machine: Machine, port: number): Promise<boolean> {
  return parseEstablished(await ask(machine, 'info usernet'), port);
}

/** Whether the first processor is in real mode (Intel SDM volume 3, CR0.PE), where firmware leaves it to boot sectors. */
export async function inRealMode(machine: Machine): Promise<boolean> {
  return parseRealMode(await ask(machine, 'info registers'));
}

// QMP has no structured form of these two answers.
function ask(machine: Machine, command: string): Promise<string> {
  return machine.qmp.execute('human-monitor-command', { 'command-line': command }, { timeout: TIMEOUT });
}

/** Whether the answer of `info registers` shows real mode. */
export function parseRealMode(text: string): boolean {
  const cr0 = /^CR0=([0-9a-f]+)/m.exec(text)?.[1];
  return cr0 !== undefined && (Number.parseInt(cr0, 16) & 1) === 0;
}

/** Whether the answer of `info usernet` has an established connection to a port of the guest. */
export function parseEstablished(text: string, port: number): boolean {
  return text.split('\n').some((line) => {
    const match = /^\s*TCP\[ESTABLISHED\]\s+\d+\s+\S+\s+\d+\s+\S+\s+(\d+)\s/.exec(line);
    return match?.[1] === String(port);
  });
}
