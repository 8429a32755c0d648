import { GvmError } from '../../errors/index.ts';
import type { AcceleratorProof } from '../../schema/index.ts';

export interface AcceleratorChoice {
  name: 'kvm' | 'tcg';
  /** Why this one: said aloud where it is not the one hoped for. */
  reason: string;
  /** Whether `auto` had to do without KVM. */
  fallback: boolean;
  /** What all deadlines are multiplied by. */
  scale: number;
}

/**
 * The accelerator of a run: what was asked for, or for `auto` KVM where it is proved and TCG where it is not.
 * @throws GvmError `accelerator-unavailable` when what was asked for does not work here.
 */
export function chooseAccelerator(wanted: 'auto' | 'kvm' | 'tcg', proof: AcceleratorProof): AcceleratorChoice {
  if (wanted !== 'auto') {
    if (!proof[wanted].fit) throw unavailable(wanted, proof);
    return { name: wanted, reason: `asked for; ${proof[wanted].reason}`, fallback: false, scale: proof[wanted].scale };
  }
  if (proof.kvm.fit) return { name: 'kvm', reason: proof.kvm.reason, fallback: false, scale: proof.kvm.scale };
  if (!proof.tcg.fit) throw unavailable('tcg', proof);
  return { name: 'tcg', reason: `KVM is not fit: ${proof.kvm.reason}`, fallback: true, scale: proof.tcg.scale };
}

function unavailable(wanted: 'kvm' | 'tcg', proof: AcceleratorProof): GvmError {
  const other = wanted === 'kvm' && proof.tcg.fit ? 'or use --accel tcg (slower)' : 'it says what to install';
  return new GvmError({
    code: 'accelerator-unavailable',
    message: `${wanted.toUpperCase()} does not work here: ${proof[wanted].reason}`,
    hint: `see \`gvm doctor\`, ${other}`,
    details: { ...proof },
  });
}
