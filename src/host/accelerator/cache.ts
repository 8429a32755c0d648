import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootId } from '../../process/index.ts';
import { type AcceleratorProof, acceleratorProofSchema } from '../../schema/index.ts';

const FILE = 'accelerator.json';

/** Everything that a proof depends on: this boot, this QEMU, this user, and who may open the device. */
export function proofKey(qemu: string, device: string): string {
  const binary = statSync(qemu);
  const node = statSync(device, { throwIfNoEntry: false });
  const groups = process.getgroups?.().sort((a, b) => a - b);
  const parts = [
    ...['1', bootId(), qemu, binary.mtimeMs, binary.size, binary.ino],
    ...[node?.mode, node?.uid, node?.gid, process.getuid?.(), groups],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** The kept proof, if there is one for this key; what is not readable as one counts as absent. */
export function readProof(folder: string, key: string): AcceleratorProof | undefined {
  try {
    const kept = JSON.parse(readFileSync(join(folder, FILE), 'utf8'));
    return kept.key === key ? acceleratorProofSchema.safeParse(kept.proof).data : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a proof; the file is replaced in one step. */
export function writeProof(folder: string, key: string, proof: AcceleratorProof): void {
  mkdirSync(folder, { recursive: true });
  const part = join(folder, `${FILE}.${process.pid}`);
  writeFileSync(part, `${JSON.stringify({ key, proof }, null, 2)}\n`);
  renameSync(part, join(folder, FILE));
}
