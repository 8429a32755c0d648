import type { Finding, HostReport } from '../schema/index.ts';
import { accelerator } from './accelerator/probe.ts';
import { builder } from './builder.ts';
import { cpu } from './cpu.ts';
import { firmware } from './firmware.ts';
import { kvmDevice } from './kvm-device.ts';
import { memory } from './memory.ts';
import type { Probe, ProbeContext } from './probe.ts';
import { space } from './space.ts';
import { system } from './system.ts';
import { tools } from './tools.ts';

/** Looks at everything that gvm needs of the host; takes under 3 s. Nothing is changed but the cache of the proof. */
export async function probeHost(context: Omit<ProbeContext, 'root'> & { root?: string }): Promise<HostReport> {
  const at: ProbeContext = { root: '/', ...context };
  const findings: Finding[] = [];
  // One after the other: the proof takes times, and should not share the processors with the others.
  const ask = async <T>(probe: Probe<T>): Promise<T> => {
    const probed = await probe(at);
    findings.push(...probed.findings);
    return probed.data;
  };
  const report = {
    version: 1 as const,
    system: await ask(system),
    tools: await ask(tools),
    cpu: await ask(cpu),
    memory: await ask(memory),
    space: await ask(space),
    firmware: await ask(firmware),
    builders: await ask(builder),
  };
  await ask(kvmDevice);
  return { ...report, accelerator: await ask(accelerator), findings };
}
