import type { ImageFormat } from './format.ts';
import type { ImageFile } from './image-file.ts';
import type { Audit } from './layer.ts';
import { auditQcow2 } from './qcow2.ts';
import { SIGNATURE_BYTES, signatureOf } from './signature.ts';
import { auditVdi } from './vdi.ts';
import { auditVhdx } from './vhdx.ts';
import { auditVmdk } from './vmdk.ts';
import { auditVpc, isVpc } from './vpc.ts';

/** Reads the header of a format by ourselves, so that nothing is opened that it names. */
export const audits: Record<Exclude<ImageFormat, 'raw'>, (file: ImageFile) => Promise<Audit>> = {
  qcow2: auditQcow2,
  vmdk: auditVmdk,
  vhdx: auditVhdx,
  vpc: auditVpc,
  vdi: auditVdi,
};

/** The format that a file looks like; undefined for anything else. It warns of a wrong name and decides nothing. */
export async function looksLike(file: ImageFile, promised: ImageFormat): Promise<string | undefined> {
  // A fixed VHD image begins with the bytes of its disk: only who was promised one looks at its end.
  if (promised === 'vpc' && (await isVpc(file))) return 'vpc';
  return signatureOf(await file.head(SIGNATURE_BYTES));
}
