import type { PoweredOff } from '../../facts/powered-off.ts';
import { parseAssignments } from '../parse/assignments.ts';
import { settingLines } from '../parse/lines.ts';
import type { NetplanInterface } from '../parse/netplan.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// How the network is set up: interfaces(5), OpenRC's /etc/conf.d/net, systemd.network(5), the connections of
// NetworkManager (names and kinds, never their keys), netplan; resolv.conf(5), hosts(5).

const schema = (z: Zod) =>
  z.strictObject({
    interfaces: z.array(
      z.strictObject({
        name: z.string(),
        source: z.string().meta({ description: 'the file that says it' }),
        addresses: z.array(z.string()).meta({ description: 'as they are written; dhcp where they are asked for' }),
      }),
    ),
    nameservers: z.array(z.string()),
    hosts: z.array(z.strictObject({ address: z.string(), names: z.array(z.string()) })),
    files: z.array(z.string()).meta({ description: 'files that set up the network and cannot be read' }),
  });

type Network = Told<typeof schema>;
type Interface = Network['interfaces'][number];

export const networkSection = defineSection<Network>({
  name: 'network',
  title: 'Network',
  schema,
  async read({ disk }) {
    const readers = [debian, openrc, networkd, networkManager];
    const interfaces = (await Promise.all(readers.map((reader) => reader(disk)))).flat();
    const plan = await netplan(disk);
    const words = (line: string) => line.split(/\s+/);
    const nameservers = settingLines(await disk.text('/etc/resolv.conf')).flatMap((line) => {
      const [keyword, address] = words(line);
      return keyword === 'nameserver' && address ? [address] : [];
    });
    const hosts = settingLines(await disk.text('/etc/hosts')).map((line) => {
      const [address = '', ...names] = words(line.replace(/#.*/, '').trim());
      return { address, names };
    });
    interfaces.push(...plan.interfaces);
    nameservers.push(...plan.nameservers.filter((address) => !nameservers.includes(address)));
    return { interfaces, nameservers, hosts, files: plan.unread };
  },
  rows: ({ interfaces, nameservers, hosts, files }) => [
    ...interfaces.map(({ name, addresses, source }) => [name, addresses.join(', ') || 'no address', source]),
    ...(nameservers.length > 0 ? [['name servers', nameservers.join(', ')]] : []),
    ...hosts.map(({ address, names }) => ['host', `${address} ${names.join(' ')}`]),
    ...files.map((file) => ['not read', file]),
  ],
});

/** interfaces(5) with its drop-in folder. */
async function debian(disk: PoweredOff): Promise<Interface[]> {
  const folder = '/etc/network/interfaces.d';
  const files = ['/etc/network/interfaces', ...(await disk.names(folder)).map((name) => `${folder}/${name}`)];
  const found: Interface[] = [];
  for (const source of files) {
    let open: Interface | undefined;
    for (const line of settingLines(await disk.text(source))) {
      const [keyword, first = '', , method = ''] = line.split(/\s+/);
      if (keyword === 'iface') {
        open = { name: first, source, addresses: method === 'static' ? [] : [method] };
        found.push(open);
      } else if (keyword === 'address') open?.addresses.push(first);
    }
  }
  return found;
}

/** `config_eth0="dhcp"` of netifrc. */
async function openrc(disk: PoweredOff): Promise<Interface[]> {
  const source = '/etc/conf.d/net';
  const settings = parseAssignments((await disk.text(source)) ?? '');
  return [...settings].flatMap(([key, value]) => {
    const name = /^config_(\w+)$/.exec(key)?.[1];
    const addresses = value.split('\n').map((line) => line.trim());
    return name === undefined ? [] : [{ name, source, addresses: addresses.filter((line) => line !== '') }];
  });
}

async function networkd(disk: PoweredOff): Promise<Interface[]> {
  const found: Interface[] = [];
  for (const folder of ['/etc/systemd/network', '/usr/lib/systemd/network']) {
    for (const file of await disk.names(folder)) {
      if (!file.endsWith('.network')) continue;
      const source = `${folder}/${file}`;
      const lines = settingLines(await disk.text(source));
      const values = (key: string) =>
        lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
      const dhcp = values('DHCP').some((value) => value !== 'no') ? ['dhcp'] : [];
      found.push({ name: values('Name').join(' ') || file, source, addresses: [...dhcp, ...values('Address')] });
    }
  }
  return found;
}

/** Of files with one name the first folder's counts; they are read in the order of their names. */
async function netplan(
  disk: PoweredOff,
): Promise<{ interfaces: Interface[]; nameservers: string[]; unread: string[] }> {
  const files = new Map<string, string>();
  for (const folder of ['/etc/netplan', '/usr/lib/netplan', '/lib/netplan']) {
    for (const name of await disk.names(folder)) {
      if (name.endsWith('.yaml') && !files.has(name)) files.set(name, `${folder}/${name}`);
    }
  }
  if (files.size === 0) return { interfaces: [], nameservers: [], unread: [] };
  const { mergeNetplan, parseNetplan } = await import('../parse/netplan.ts');
  const unread: string[] = [];
  const parsed: { source: string; interfaces: NetplanInterface[] }[] = [];
  for (const [, source] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const interfaces = parseNetplan((await disk.text(source, 2 ** 18)) ?? '');
    if (interfaces) parsed.push({ source, interfaces });
    else unread.push(source);
  }
  return { ...mergeNetplan(parsed), unread };
}

async function networkManager(disk: PoweredOff): Promise<Interface[]> {
  const folder = '/etc/NetworkManager/system-connections';
  const found: Interface[] = [];
  for (const file of await disk.names(folder)) {
    const source = `${folder}/${file}`;
    const lines = settingLines(await disk.text(source));
    const value = (key: string) => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
    const addresses = lines.flatMap((line) => /^address\d+=(.*)$/.exec(line)?.[1] ?? []);
    found.push({
      name: value('interface-name') ?? value('id') ?? file,
      source,
      addresses: addresses.length > 0 ? addresses : ['dhcp'],
    });
  }
  return found;
}
