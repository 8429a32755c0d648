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
  /** The same for a guest of another architecture, which is emulated in any case. */
  emulatedScale: number;
}

/** The architecture that KVM runs here, by the name that machines have for it. */
export const hostArchitecture = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch;

/**
 * The accelerator of a run: what was asked for, or for `auto` KVM where it is proved and TCG where it is not.
 * @throws GvmError `accelerator-unavailable` when what was asked for does not work here.
 */
export function chooseAccelerator(wanted: 'auto' | 'kvm' | 'tcg', proof: AcceleratorProof): AcceleratorChoice {
  const choice = (name: 'kvm' | 'tcg', reason: string, fallback: boolean): AcceleratorChoice => ({
    ...{ name, reason, fallback, scale: proof[name].scale, emulatedScale: proof.tcg.scale },
  });
  if (wanted !== 'auto') {
    if (!proof[wanted].fit) throw unavailable(wanted, proof);
    return choice(wanted, `asked for; ${proof[wanted].reason}`, false);
  }
  if (proof.kvm.fit) return choice('kvm', proof.kvm.reason, false);
  if (!proof.tcg.fit) throw unavailable('tcg', proof);
  return choice('tcg', `KVM is not fit: ${proof.kvm.reason}`, true);
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
