import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { HostReport } from '../schema/index.ts';
import type { Probe } from './probe.ts';

/** The processor: how many run, and whether it could virtualize. */
export const cpu: Probe<HostReport['cpu']> = async ({ root }) => {
  const text = readFileSync(join(root, 'proc/cpuinfo'), 'utf8');
  const flags = new Set((/^flags\s*:\s*(.*)$/m.exec(text)?.[1] ?? '').split(' '));
  const data = {
    model: /^model name\s*:\s*(.*)$/m.exec(text)?.[1]?.trim() ?? process.arch,
    count: availableParallelism(),
    virtualization: flags.has('vmx') ? ('vmx' as const) : flags.has('svm') ? ('svm' as const) : null,
    guest: flags.has('hypervisor'),
  };
  const inside = data.guest ? ', itself in a virtual machine' : '';
  const detail = `${data.count} × ${data.model}${inside}`;
  return { data, findings: [{ level: 'ok', what: 'processors', detail }] };
};
