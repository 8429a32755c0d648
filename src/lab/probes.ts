import type { Machine, VirtioStatus } from '../machine/index.ts';

const TIMEOUT = 2000;

/**
 * Whether QEMU's user network has brought a connection to the guest, or still knocks. The guest is not asked.
 * @param port the guest's port
 */
export async function reachesGuest(machine: Machine, port: number): Promise<boolean> {
  return parseEstablished(await ask(machine, 'info usernet'), port);
}

/** One processor as a look found it (Intel SDM volume 3). */
export interface CpuState {
  /** CR0.PE is clear. */
  realMode: boolean;
  /** It waits for an interrupt (HLT). */
  halted: boolean;
  /** RFLAGS.IF: an interrupt would wake it. */
  interruptible: boolean;
  /** CPL 3: it runs a program. */
  user: boolean;
  /** CR3: whose memory it works in. */
  pageTable: string;
}

/** What each processor does at this moment. */
export async function lookAtCpus(machine: Machine): Promise<CpuState[]> {
  return parseRegisters(await ask(machine, 'info registers -a'));
}

/**
 * Whether the guest has virtio network cards and none has a driver. Other models do not say; then it is false.
 * @throws GvmError where this QEMU cannot be asked
 */
export async function networkDriverless(machine: Machine): Promise<boolean> {
  const devices = await machine.qmp.execute('x-query-virtio', undefined, { timeout: TIMEOUT });
  const cards = devices.filter((device) => device.name === 'virtio-net');
  const states = await Promise.all(
    cards.map(({ path }) => machine.qmp.execute('x-query-virtio-status', { path }, { timeout: TIMEOUT })),
  );
  return states.length > 0 && states.every(({ status }) => !hasDriver(status));
}

/** Whether a virtio status is that of a device which a driver uses (virtio specification, 2.1, DRIVER_OK). */
export function hasDriver({ statuses }: VirtioStatus): boolean {
  return statuses.some((text) => text.startsWith('VIRTIO_CONFIG_S_DRIVER_OK'));
}

/** Whether the boot sector that the BIOS has loaded is empty: 440 bytes at 7C00h, where code would be. */
export async function emptyBootSector(machine: Machine): Promise<boolean> {
  return parseZeros(await ask(machine, 'xp /110xw 0x7c00'), 110);
}

// QMP has no structured form of these two answers.
function ask(machine: Machine, command: string): Promise<string> {
  return machine.qmp.execute('human-monitor-command', { 'command-line': command }, { timeout: TIMEOUT });
}

/** The answer of `info registers -a`. */
export function parseRegisters(text: string): CpuState[] {
  return text
    .split(/^CPU#\d+/m)
    .slice(1)
    .flatMap((cpu) => {
      const hex = (name: string) => new RegExp(`\\b${name}=([0-9a-f]+)`).exec(cpu)?.[1];
      const [cr0, flags, cr3] = [hex('CR0'), hex('[RE]FL'), hex('CR3')];
      if (cr0 === undefined || flags === undefined) return [];
      return {
        realMode: (Number.parseInt(cr0.slice(-4), 16) & 1) === 0,
        halted: /\bHLT=1\b/.test(cpu),
        interruptible: (Number.parseInt(flags.slice(-4), 16) & 0x200) !== 0,
        user: /\bCPL=3\b/.test(cpu),
        pageTable: cr3 ?? '',
      };
    });
}

/** Whether the answer of `xp` has as many words as asked for, all zero. */
export function parseZeros(text: string, count: number): boolean {
  const words = text.match(/0x[0-9a-f]{8}(?!:)/g) ?? [];
  return words.length === count && words.every((word) => /^0x0+$/.test(word));
}

/** Whether the answer of `info usernet` has an established connection to a port of the guest. */
export function parseEstablished(text: string, port: number): boolean {
  return text.split('\n').some((line) => {
    const match = /^\s*TCP\[ESTABLISHED\]\s+\d+\s+\S+\s+\d+\s+\S+\s+(\d+)\s/.exec(line);
    return match?.[1] === String(port);
  });
}
