import type { Finding, HostReport } from '../../schema/index.ts';
import type { Probe } from '../probe.ts';
import { proveAccelerators } from './proof.ts';

/** Which accelerators carry guests here, by running one under each, whatever was found before. */
export const accelerator: Probe<HostReport['accelerator']> = async (context) => {
  const proof = await proveAccelerators({ ...context, fresh: true });
  const { kvm, tcg } = proof;
  const chosen = kvm.fit ? 'kvm' : tcg.fit ? 'tcg' : null;
  const reason = kvm.fit ? kvm.reason : `KVM is not fit: ${kvm.reason}`;
  const findings: Finding[] = [
    { level: kvm.fit ? 'ok' : 'warn', what: 'KVM', detail: kvm.reason },
    { level: tcg.fit ? 'ok' : 'missing', what: 'TCG', detail: tcg.reason },
  ];
  if (!kvm.fit && tcg.fit) {
    const detail = `runs use TCG, slower; deadlines are ${tcg.scale} times as long`;
    findings.push({ level: 'ok', what: 'accelerator', detail });
  }
  return { data: { chosen, reason, ...proof }, findings };
};
