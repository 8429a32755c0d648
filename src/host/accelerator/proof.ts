import { accessSync, constants, statSync } from 'node:fs';
import type { Log } from '../../core/index.ts';
import { findTool, unprivilegedAccount } from '../../process/index.ts';
import type { AcceleratorProof, AcceleratorVerdict } from '../../schema/index.ts';
import { proofKey, readProof, writeProof } from './cache.ts';
import { cpuModels } from './models.ts';
import { type ProofRun, runProof } from './prove.ts';
import { scaleOf } from './scale.ts';

export interface ProofOptions {
  log: Log;
  signal?: AbortSignal | undefined;
  /** Folder in which proofs are kept for this boot of the host and this QEMU. */
  cacheDir?: string | undefined;
  /** Prove again, whatever is kept. */
  fresh?: boolean;
}

const KVM_DEVICE = '/dev/kvm';
/** Milliseconds after which the answer is no; a host that is slow under TCG gets more. */
const KVM_LIMIT = 2000;
const TCG_LIMIT = 10_000;

/**
 * Proves both accelerators by running a guest under each (design §7); under 3 s, and at once when it was done before
 * in this boot of the host with this QEMU.
 * @throws GvmError `tool-missing` for a missing setpriv; a missing QEMU is a verdict.
 */
export async function proveAccelerators(options: ProofOptions): Promise<AcceleratorProof> {
  const qemu = findTool('qemu-system-x86_64');
  if (!qemu) {
    const none = { fit: false, reason: 'qemu-system-x86_64 is not installed', scale: 1, loop: null };
    return { kvm: none, tcg: none };
  }
  const key = proofKey(qemu, KVM_DEVICE);
  const kept = options.fresh || !options.cacheDir ? undefined : readProof(options.cacheDir, key);
  if (kept) return kept;
  const tcg = await runProof('tcg', cpuModels.tcg, TCG_LIMIT, options);
  const obstacle = kvmObstacle();
  const kvm: ProofRun = obstacle
    ? { fit: false, reason: obstacle, loop: null, took: 0 }
    : await runProof('kvm', cpuModels.kvm, Math.max(KVM_LIMIT, tcg.took * 3), options);
  const proof = { kvm: verdict('kvm', withAccount(withDevice(kvm, obstacle))), tcg: verdict('tcg', tcg) };
  if (options.cacheDir) writeProof(options.cacheDir, key, proof);
  return proof;
}

function verdict(accelerator: 'kvm' | 'tcg', { fit, reason, loop }: ProofRun): AcceleratorVerdict {
  return { fit, reason, scale: scaleOf(accelerator, loop), loop };
}

/** What keeps KVM from being tried at all. */
function kvmObstacle(): string | undefined {
  if (process.arch !== 'x64') return `the host is ${process.arch}, the guests are x86_64`;
  if (!statSync(KVM_DEVICE, { throwIfNoEntry: false })) return `there is no ${KVM_DEVICE}`;
  try {
    accessSync(KVM_DEVICE, constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return `this user may not open ${KVM_DEVICE}`;
  }
}

/** A device that opens and yet runs nothing is what misleads: it is said first. */
function withDevice(run: ProofRun, obstacle: string | undefined): ProofRun {
  if (run.fit || obstacle) return run;
  return { ...run, reason: `${KVM_DEVICE} opens, but no guest runs with it: ${run.reason}` };
}

/** As root, guests run as `nobody`, who needs the device's group or everyone's permission. */
function withAccount(run: ProofRun): ProofRun {
  const account = run.fit ? unprivilegedAccount([KVM_DEVICE]) : undefined;
  if (!account) return run;
  const open = (statSync(KVM_DEVICE).mode & 0o006) === 0o006 || account.groups.length > 0;
  return open
    ? run
    : { ...run, fit: false, reason: `it works, but only root may open ${KVM_DEVICE}, and guests run as nobody` };
}
