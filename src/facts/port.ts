import { z } from 'zod';
import { defineFact } from './fact.ts';
import { headSections } from './shell.ts';

// Listening sockets from /proc/net/{tcp,tcp6,udp,udp6} (proc_net_tcp.rst): addresses are hexadecimal words in the
// byte order of the machine, here little-endian. Only the network namespace of the login shell is seen.

const FILES = ['/proc/net/tcp', '/proc/net/tcp6', '/proc/net/udp', '/proc/net/udp6'];
const MAX = 256 * 1024;
const LISTEN: Record<string, string> = { tcp: '0A', udp: '07' };

const portValue = z.array(
  z.strictObject({ protocol: z.enum(['tcp', 'udp']), port: z.int().min(0).max(65535), ip: z.string() }),
);

export type PortValue = z.output<typeof portValue>;

export const portFact = defineFact<Record<string, never>, PortValue>({
  name: 'port',
  description: 'the TCP ports that are listened on and the UDP ports that are bound, with their addresses',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: portValue,
  limit: () => FILES.length * (MAX + 100),
  // A kernel without IPv6 lacks two of the files: head says so and shows the others.
  fragment: () => `part sockets\nhead -c ${MAX} ${FILES.join(' ')}\n[ -r ${FILES[0]} ]`,

  parse(output) {
    const data = output.parts.find((p) => p.label === 'sockets')?.data ?? Buffer.alloc(0);
    const sections = headSections(data, FILES);
    if (!sections || sections.size === 0) return [{ diagnostics: ['/proc/net of the guest cannot be read'] }];
    const diagnostics: string[] = [];
    const found = new Map<string, PortValue[number]>();
    for (const [file, text] of sections) {
      if (text.length >= MAX) return [{ diagnostics: [`${file} of the guest is larger than ${MAX} bytes`] }];
      const protocol = file.includes('tcp') ? 'tcp' : 'udp';
      for (const line of text.trimEnd().split('\n').slice(1)) {
        const socket = parseSocket(line, protocol);
        if (socket)
          found.set(`${protocol} ${socket.ip} ${socket.port}`, { protocol, ip: socket.ip, port: socket.port });
        else if (socket === undefined && diagnostics.length < 5)
          diagnostics.push(`a line of ${file} is malformed: ${line.slice(0, 200)}`);
      }
    }
    return [{ value: [...found.values()], diagnostics }];
  },
});

/** The local end of a listening socket; null for another one, undefined for a malformed line. */
export function parseSocket(line: string, protocol: 'tcp' | 'udp'): { ip: string; port: number } | null | undefined {
  const match = /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line);
  if (!match) return undefined;
  if (match[3] !== LISTEN[protocol]) return null;
  const bytes = (match[1] ?? '')
    .match(/.{8}/g)
    ?.flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)));
  return { ip: formatIp(bytes ?? []), port: Number.parseInt(match[2] ?? '', 16) };
}

/** Dotted quad, or IPv6 in the form of RFC 5952. */
function formatIp(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff) return `::ffff:${bytes.slice(12).join('.')}`;
  // The longest run of at least two zero groups, the first of equal ones, becomes "::".
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  const hex = groups.map((g) => g.toString(16));
  if (best.length < 2) return hex.join(':');
  return `${hex.slice(0, best.from).join(':')}::${hex.slice(best.from + best.length).join(':')}`;
}
