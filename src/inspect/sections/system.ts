import type { PoweredOff } from '../../facts/powered-off.ts';
import { initOf } from '../../facts/powered-off.ts';
import { parseAssignments } from '../parse/assignments.ts';
import { settingLines } from '../parse/lines.ts';
import { defineSection, type Row, type Told, type Zod } from '../section.ts';

// What the system is: os-release(5), the architecture of its first program (elf(5)), hostname(5), machine-id(5),
// localtime(5), locale.conf(5).

const schema = (z: Zod) =>
  z.strictObject({
    id: z.string().optional(),
    name: z.string().optional(),
    version: z.string().optional(),
    variant: z.string().optional(),
    architecture: z.string().optional().meta({ description: 'of its init or shell, as uname(1) names it' }),
    init: z.enum(['openrc', 'systemd']).optional(),
    hostname: z.string().optional(),
    machineId: z
      .enum(['absent', 'empty', 'uninitialized', 'set', 'malformed'])
      .meta({ description: 'set means that every guest of the image has the same' }),
    timezone: z.string().optional(),
    locale: z.string().optional(),
  });

type System = Told<typeof schema>;

export const systemSection = defineSection<System>({
  name: 'system',
  title: 'System',
  schema,
  async read({ disk }) {
    const release = parseAssignments(
      (await disk.text('/etc/os-release')) ?? (await disk.text('/usr/lib/os-release')) ?? '',
    );
    const found = {
      id: release.get('ID'),
      name: release.get('PRETTY_NAME') ?? release.get('NAME'),
      version: release.get('VERSION_ID') ?? (await distributionVersion(disk)),
      variant: release.get('VARIANT_ID'),
      architecture: await architectureOf(disk),
      init: await initOf(disk).catch(() => undefined),
      hostname: await hostnameOf(disk),
      timezone: await timezoneOf(disk),
      locale: await localeOf(disk),
    };
    const known = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined && value !== ''));
    return { ...known, machineId: await machineIdOf(disk) };
  },
  rows: ({ id, name, version, variant, architecture, init, hostname, machineId, timezone, locale }) => {
    const row = (label: string, value: string | undefined): Row[] => (value === undefined ? [] : [[label, value]]);
    return [
      ...row('system', [name ?? id ?? 'unknown', version && !name?.includes(version) ? version : ''].join(' ').trim()),
      ...row('variant', variant),
      ...row('architecture', architecture),
      ...row('init', init),
      ...row('host name', hostname),
      ...row('machine-id', machineId),
      ...row('time zone', timezone),
      ...row('locale', locale),
    ];
  },
});

/** Distributions that keep their version out of os-release. */
async function distributionVersion(disk: PoweredOff): Promise<string | undefined> {
  const gentoo = settingLines(await disk.text('/etc/gentoo-release'))[0];
  return gentoo?.replace(/^.*release /, '') ?? settingLines(await disk.text('/etc/debian_version'))[0];
}

/** e_machine of elf(5). */
const MACHINES: Readonly<Record<number, string>> = {
  3: 'i686',
  8: 'mips',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
};

async function architectureOf(disk: PoweredOff): Promise<string | undefined> {
  for (const path of ['/sbin/init', '/bin/sh', '/usr/bin/env', '/bin/busybox']) {
    const found = await disk.find(path);
    if (found?.node.stat.type !== 'file') continue;
    const head = await found.node.read(0, 20, disk.signal);
    if (head.length < 20 || head.toString('latin1', 0, 4) !== '\x7fELF') continue;
    const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
    return MACHINES[machine] ?? `elf machine ${machine}`;
  }
  return undefined;
}

async function hostnameOf(disk: PoweredOff): Promise<string | undefined> {
  const [plain] = settingLines(await disk.text('/etc/hostname'));
  return plain ?? parseAssignments((await disk.text('/etc/conf.d/hostname')) ?? '').get('hostname');
}

async function machineIdOf(disk: PoweredOff): Promise<System['machineId']> {
  const text = await disk.text('/etc/machine-id', 4096);
  if (text === undefined) return 'absent';
  const id = text.trim();
  if (id === '') return 'empty';
  if (id === 'uninitialized') return 'uninitialized';
  return /^[0-9a-f]{32}$/.test(id) ? 'set' : 'malformed';
}

async function timezoneOf(disk: PoweredOff): Promise<string | undefined> {
  const zone = (await disk.target('/etc/localtime'))?.split('/zoneinfo/')[1];
  return zone ?? settingLines(await disk.text('/etc/timezone'))[0];
}

async function localeOf(disk: PoweredOff): Promise<string | undefined> {
  for (const path of ['/etc/locale.conf', '/etc/default/locale', '/etc/env.d/02locale']) {
    const lang = parseAssignments((await disk.text(path)) ?? '').get('LANG');
    if (lang) return lang;
  }
  return undefined;
}
