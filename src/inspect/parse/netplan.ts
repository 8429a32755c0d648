// Reads: the interfaces of a netplan file. Specification: netplan(5). Does not read: routes, keys, and what a kind of
// interface has of its own.
import { parseDocument } from 'yaml';

/** What one file says of an interface. */
export interface NetplanInterface {
  /** As the file calls it; a name only where nothing is matched. */
  id: string;
  /** What its device is called, or a pattern. */
  name: string | undefined;
  /** By `dhcp4` and `dhcp6`, where the file says it. */
  dhcp: Record<string, boolean>;
  addresses: string[];
  nameservers: string[];
}

const KINDS = ['ethernets', 'wifis', 'bonds', 'bridges', 'vlans', 'tunnels', 'vrfs', 'modems', 'dummy-devices'];
const MOST = 1000;
const TRUE = ['true', 'yes', 'on', 'y'];
const FALSE = ['false', 'no', 'off', 'n'];

/** @returns undefined for what is no YAML of a netplan */
export function parseNetplan(text: string): NetplanInterface[] | undefined {
  let whole: unknown;
  try {
    // All is text, as netplan takes it: an interface may be called `e0` or `on`, which elsewhere are a number and a truth.
    const document = parseDocument(text, { schema: 'failsafe', logLevel: 'silent' });
    if (document.errors.length > 0) return undefined;
    // Aliases of aliases grow without bound.
    whole = document.toJS({ maxAliasCount: 20 });
  } catch {
    return undefined;
  }
  if (whole === null) return [];
  const network = at(whole, 'network');
  if (network === undefined) return undefined;
  const found: NetplanInterface[] = [];
  for (const kind of KINDS) {
    for (const [id, value] of Object.entries(at(network, kind) ?? {})) {
      if (found.length >= MOST) return found;
      const name = at(value, 'set-name') ?? at(at(value, 'match'), 'name');
      const dhcp = ['dhcp4', 'dhcp6'].flatMap((key) => {
        const said = String(at(value, key)).toLowerCase();
        return TRUE.includes(said) ? [[key, true]] : FALSE.includes(said) ? [[key, false]] : [];
      });
      found.push({
        id,
        name: typeof name === 'string' ? name : undefined,
        dhcp: Object.fromEntries(dhcp),
        addresses: texts(at(value, 'addresses')),
        nameservers: texts(at(at(value, 'nameservers'), 'addresses')),
      });
    }
  }
  return found;
}

/** Several files as one: lists are joined, other values of later files go before those of earlier ones. */
export function mergeNetplan(files: readonly { source: string; interfaces: readonly NetplanInterface[] }[]): {
  interfaces: { name: string; source: string; addresses: string[] }[];
  nameservers: string[];
} {
  const merged = new Map<string, NetplanInterface & { source: string }>();
  for (const { source, interfaces } of files) {
    for (const one of interfaces) {
      const known = merged.get(one.id);
      merged.set(one.id, {
        ...{ id: one.id, source, name: one.name ?? known?.name },
        dhcp: { ...known?.dhcp, ...one.dhcp },
        addresses: [...(known?.addresses ?? []), ...one.addresses],
        nameservers: [...(known?.nameservers ?? []), ...one.nameservers],
      });
    }
  }
  const all = [...merged.values()];
  const interfaces = all.map(({ id, name, source, dhcp, addresses }) => ({
    name: name ?? id,
    source,
    addresses: [...Object.keys(dhcp).filter((key) => dhcp[key]), ...new Set(addresses)],
  }));
  return { interfaces, nameservers: [...new Set(all.flatMap((one) => one.nameservers))] };
}

/** A value of a map by its own key. */
function at(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

/** Addresses stand in a list as they are, or as keys of what is said of them. */
function texts(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, MOST)
    .flatMap((one) => (typeof one === 'object' && one !== null ? Object.keys(one) : [String(one)]));
}
