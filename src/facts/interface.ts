import { z } from 'zod';
import { defineFact } from './fact.ts';
import { linesOf, partOf } from './shell.ts';

// Network interfaces of the login shell's namespace, from /sys/class/net, and their addresses from ip(8) of iproute2
// or busybox: `2: eth0    inet 10.0.2.15/24 …`. Not read: routes, queues, wireless.

const MAX = 512 * 1024;

const interfaceValue = z.array(
  z.strictObject({
    name: z.string(),
    mtu: z.int(),
    addrs: z.array(z.string()).optional().meta({ description: 'ADDRESS/BITS; absent where the guest has no ip(8)' }),
  }),
);

export type InterfaceValue = z.output<typeof interfaceValue>;

export const interfaceFact = defineFact<Record<string, never>, InterfaceValue>({
  name: 'interface',
  description: 'network interfaces with MTU and addresses',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: interfaceValue,
  limit: () => 2 * MAX,
  fragment: () => `part mtu
for i in /sys/class/net/*; do
  [ -r "$i/mtu" ] && read -r m <"$i/mtu" && echo "$m \${i##*/}"
done
if command -v ip >/dev/null; then part addrs; ip -o addr
elif command -v busybox >/dev/null; then part addrs; busybox ip -o addr
fi
[ -d /sys/class/net ]`,

  parse(output) {
    if (output.status !== 0) return [{ diagnostics: ['/sys/class/net of the guest cannot be read'] }];
    const data = partOf(output, 'addrs');
    const addresses = data === undefined ? undefined : addressesOf(linesOf(data));
    const value: InterfaceValue = [];
    const diagnostics = addresses ? [] : ['the guest has no ip(8), so its addresses cannot be learned'];
    for (const line of linesOf(partOf(output, 'mtu'))) {
      const [, mtu, name] = /^(\d{1,10}) (\S+)$/.exec(line) ?? [];
      if (mtu === undefined || name === undefined) {
        if (diagnostics.length < 5) diagnostics.push(`the MTU of an interface is malformed: ${line.slice(0, 200)}`);
        continue;
      }
      value.push({ name, mtu: Number(mtu), ...(addresses ? { addrs: addresses.get(name) ?? [] } : {}) });
    }
    return [{ value, diagnostics }];
  },
});

/** The addresses by interface. An address without a length of its own has that of its peer. */
export function addressesOf(lines: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of lines) {
    const match = /^\d+: +([^\s@:]+)(?:@\S+)?:? +inet(6?) ([0-9a-fA-F.:]+)(\/\d+)?(?: peer \S+?(\/\d+))?(?= |$)/.exec(
      line,
    );
    if (!match) continue;
    const [, name = '', six, address, own, ofPeer] = match;
    const bits = own ?? ofPeer ?? (six ? '/128' : '/32');
    found.set(name, [...(found.get(name) ?? []), `${address}${bits}`]);
  }
  return found;
}
