/** The commands of the QEMU Machine Protocol that gvm sends: arguments and result of each. */
export interface QmpCommands {
  qmp_capabilities: { arguments: undefined; result: Record<string, never> };
  'query-status': { arguments: undefined; result: { status: string; running: boolean } };
  'query-block': { arguments: undefined; result: { device: string; 'io-status'?: string }[] };
  'query-chardev': { arguments: undefined; result: { label: string; 'frontend-open': boolean }[] };
  'human-monitor-command': { arguments: { 'command-line': string }; result: string };
  'blockdev-add': { arguments: Record<string, unknown>; result: Record<string, never> };
  'x-query-virtio': { arguments: undefined; result: { path: string; name: string }[] };
  'x-query-virtio-status': { arguments: { path: string }; result: { status: VirtioStatus } };
  system_powerdown: { arguments: undefined; result: Record<string, never> };
  system_reset: { arguments: undefined; result: Record<string, never> };
  'set-action': { arguments: { reboot: 'reset' | 'shutdown' }; result: Record<string, never> };
  set_link: { arguments: { name: string; up: boolean }; result: Record<string, never> };
  screendump: { arguments: { filename: string }; result: Record<string, never> };
  cont: { arguments: undefined; result: Record<string, never> };
  stop: { arguments: undefined; result: Record<string, never> };
  'migrate-set-capabilities': {
    arguments: { capabilities: { capability: string; state: boolean }[] };
    result: Record<string, never>;
  };
  migrate: { arguments: { uri: string }; result: Record<string, never> };
  'migrate-incoming': { arguments: { uri: string }; result: Record<string, never> };
  'query-migrate': { arguments: undefined; result: { status?: string; 'error-desc'?: string } };
  quit: { arguments: undefined; result: Record<string, never> };
}

/** Bits of a virtio device's status, each with what it means. */
export interface VirtioStatus {
  statuses: string[];
}

export interface QmpEvent {
  name: string;
  data: Record<string, unknown>;
  /** Monotonic milliseconds at which it arrived. */
  at: number;
}

/** One line of the protocol, sorted by what it is. */
export type QmpMessage =
  | { kind: 'greeting'; version: string }
  | { kind: 'event'; event: QmpEvent }
  | { kind: 'return'; id: number; value: unknown }
  | { kind: 'error'; id: number | undefined; class: string; description: string };

/** Parses a line; undefined where it is none of the protocol's messages. */
export function parseMessage(line: string, at: number): QmpMessage | undefined {
  const message = parseObject(line);
  if (!message) return undefined;
  if (typeof message.event === 'string') {
    return { kind: 'event', event: { name: message.event, data: asObject(message.data) ?? {}, at } };
  }
  if ('return' in message && typeof message.id === 'number') {
    return { kind: 'return', id: message.id, value: message.return };
  }
  const error = asObject(message.error);
  if (error) {
    const id = typeof message.id === 'number' ? message.id : undefined;
    return { kind: 'error', id, class: String(error.class), description: String(error.desc) };
  }
  const greeting = asObject(message.QMP);
  if (!greeting) return undefined;
  const version = asObject(asObject(greeting.version)?.qemu);
  return { kind: 'greeting', version: [version?.major, version?.minor, version?.micro].join('.') };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
