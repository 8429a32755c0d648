import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatSize } from '../core/index.ts';
import type { HostReport } from '../schema/index.ts';
import type { Probe } from './probe.ts';

// One guest of the shipped default, and QEMU itself.
const ENOUGH = 1.5 * 2 ** 30;

/** Bytes of the host's memory that programs can still have. */
export function availableMemory(): number {
  return read('/').available;
}

function read(root: string): HostReport['memory'] {
  const text = readFileSync(join(root, 'proc/meminfo'), 'utf8');
  const bytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { total: bytes('MemTotal'), available: bytes('MemAvailable') };
}

/** Memory of the host (proc_meminfo(5)). */
export const memory: Probe<HostReport['memory']> = async ({ root }) => {
  const data = read(root);
  const detail = `${formatSize(data.available)} of ${formatSize(data.total)} available`;
  if (data.available >= ENOUGH) return { data, findings: [{ level: 'ok', what: 'memory', detail }] };
  const mend = 'end other programs, or give guests less memory (machine: memory)';
  return { data, findings: [{ level: 'warn', what: 'memory', detail: `only ${detail}`, mend }] };
};
