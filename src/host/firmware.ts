import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { HostReport } from '../schema/index.ts';
import { installCommand, packageRows } from './packages.ts';
import type { Probe } from './probe.ts';
import { hostFamily } from './system.ts';

export type UefiFirmware = NonNullable<HostReport['firmware']>;

/** Folders of firmware descriptors, the stronger first (QEMU docs/interop/firmware.json). */
const DESCRIPTORS = ['etc/qemu/firmware', 'usr/share/qemu/firmware'];

type Arch = 'x86_64' | 'aarch64';

/** How the machines that gvm uses are called in descriptors. */
const MACHINES: Record<Arch, string> = { x86_64: 'pc-q35', aarch64: 'virt' };

/** Where distributions put builds without secure boot, should they ship no descriptor of raw files. */
const KNOWN: Record<Arch, readonly { code: string; vars: string }[]> = {
  x86_64: [
    { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', vars: '/usr/share/OVMF/OVMF_VARS_4M.fd' }, // Debian, Ubuntu
    { code: '/usr/share/OVMF/OVMF_CODE.fd', vars: '/usr/share/OVMF/OVMF_VARS.fd' },
    { code: '/usr/share/edk2/ovmf/OVMF_CODE.fd', vars: '/usr/share/edk2/ovmf/OVMF_VARS.fd' }, // Fedora
    { code: '/usr/share/edk2/x64/OVMF_CODE.4m.fd', vars: '/usr/share/edk2/x64/OVMF_VARS.4m.fd' }, // Arch
    { code: '/usr/share/edk2/OvmfX64/OVMF_CODE.fd', vars: '/usr/share/edk2/OvmfX64/OVMF_VARS.fd' }, // Gentoo
    { code: '/usr/share/edk2-ovmf/OVMF_CODE.fd', vars: '/usr/share/edk2-ovmf/OVMF_VARS.fd' },
  ],
  aarch64: [
    { code: '/usr/share/AAVMF/AAVMF_CODE.fd', vars: '/usr/share/AAVMF/AAVMF_VARS.fd' }, // Debian, Ubuntu
    { code: '/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw', vars: '/usr/share/edk2/aarch64/vars-template-pflash.raw' }, // Fedora
    { code: '/usr/share/edk2/aarch64/QEMU_CODE.fd', vars: '/usr/share/edk2/aarch64/QEMU_VARS.fd' }, // Arch
  ],
};

/** UEFI firmware for x86_64 guests. */
export const firmware: Probe<HostReport['firmware']> = async ({ root }) => {
  const data = findUefi(root) ?? null;
  if (data) return { data, findings: [{ level: 'ok', what: 'UEFI firmware', detail: data.code }] };
  const rows = packageRows().filter((row) => row.tool === 'OVMF');
  const mend = installCommand(rows, hostFamily(root));
  const detail = 'none found: guests cannot boot by firmware: uefi';
  return { data, findings: [{ level: 'warn', what: 'UEFI firmware', detail, ...(mend ? { mend } : {}) }] };
};

/**
 * Firmware as two raw flash files, without secure boot: the host's descriptors are asked first, then known places.
 * Undefined where there is none.
 */
export function findUefi(root = '/', arch: Arch = 'x86_64'): UefiFirmware | undefined {
  for (const { path, text } of descriptors(root)) {
    const found = readDescriptor(text, arch);
    if (found && existsSync(join(root, found.code)) && existsSync(join(root, found.vars))) {
      return { ...found, source: path };
    }
  }
  const known = KNOWN[arch].find(({ code, vars }) => existsSync(join(root, code)) && existsSync(join(root, vars)));
  return known && { ...known, source: 'a known place' };
}

/** All descriptors in their order of preference; a file of the stronger folder hides one of the same name. */
function descriptors(root: string): { path: string; text: string }[] {
  const byName = new Map<string, string>();
  for (const folder of DESCRIPTORS) {
    for (const name of list(join(root, folder))) {
      if (name.endsWith('.json') && !byName.has(name)) byName.set(name, join(root, folder, name));
    }
  }
  const paths = [...byName.values()].sort((a, b) => (basename(a) < basename(b) ? -1 : 1));
  return paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

interface FlashFile {
  filename?: string;
  format?: string;
}

interface Descriptor {
  'interface-types'?: string[];
  mapping?: { device?: string; mode?: string; executable?: FlashFile; 'nvram-template'?: FlashFile };
  targets?: { architecture?: string; machines?: string[] }[];
  features?: string[];
}

function readDescriptor(text: string, arch: Arch): { code: string; vars: string } | undefined {
  let descriptor: Descriptor;
  try {
    descriptor = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { mapping, targets, features } = descriptor;
  const [code, vars] = [mapping?.executable, mapping?.['nvram-template']];
  const suits =
    descriptor['interface-types']?.includes('uefi') &&
    mapping?.device === 'flash' &&
    (mapping.mode ?? 'split') === 'split' &&
    targets?.some((t) => t.architecture === arch && t.machines?.some((m) => m.startsWith(MACHINES[arch]))) &&
    !features?.some((f) => f === 'secure-boot' || f === 'enrolled-keys' || f === 'requires-smm') &&
    code?.format === 'raw' &&
    vars?.format === 'raw';
  return suits && code?.filename && vars?.filename ? { code: code.filename, vars: vars.filename } : undefined;
}
