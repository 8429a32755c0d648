import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { HostReport } from '../schema/index.ts';
import type { Family } from './packages.ts';
import type { Probe } from './probe.ts';

/** Which distribution this is (os-release(5)): it decides what mends a missing tool. */
export const system: Probe<HostReport['system']> = async ({ root }) => {
  const fields = osRelease(root);
  const data = {
    name: fields.get('PRETTY_NAME') ?? fields.get('ID') ?? 'unknown Linux',
    family: familyOf(fields),
    kernel: release(),
    arch: process.arch,
    root: process.getuid?.() === 0,
  };
  return { data, findings: [] };
};

/** The family of distributions whose package names apply here; null for others. */
export function hostFamily(root: string): Family | null {
  return familyOf(osRelease(root));
}

function familyOf(fields: Map<string, string>): Family | null {
  const ids = [fields.get('ID'), ...(fields.get('ID_LIKE') ?? '').split(' ')];
  const known: [string, Family][] = [
    ['debian', 'debian'],
    ['ubuntu', 'debian'],
    ['gentoo', 'gentoo'],
    ['fedora', 'fedora'],
    ['rhel', 'fedora'],
    ['arch', 'arch'],
  ];
  return known.find(([id]) => ids.includes(id))?.[1] ?? null;
}

function osRelease(root: string): Map<string, string> {
  for (const file of ['etc/os-release', 'usr/lib/os-release']) {
    try {
      const text = readFileSync(join(root, file), 'utf8');
      return new Map([...text.matchAll(/^([A-Z_]+)=["']?([^"'\n]*)/gm)].map((m) => [m[1] ?? '', m[2] ?? '']));
    } catch {
      // Try the other place.
    }
  }
  return new Map();
}
