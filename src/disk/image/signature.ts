// Reads: the first bytes by which disk image formats are told apart. Specification: QEMU block/*.c (probe functions).
// Does not read: fixed VHD images, whose signature stands at their end.

const signatures: readonly { format: string; at: number; bytes: Buffer }[] = [
  { format: 'qcow2', at: 0, bytes: Buffer.from('QFI\xfb', 'latin1') },
  { format: 'vmdk', at: 0, bytes: Buffer.from('KDMV') },
  { format: 'vmdk', at: 0, bytes: Buffer.from('# Disk DescriptorFile') },
  { format: 'vhdx', at: 0, bytes: Buffer.from('vhdxfile') },
  { format: 'vpc', at: 0, bytes: Buffer.from('conectix') },
  { format: 'vdi', at: 64, bytes: Buffer.from([0x7f, 0x10, 0xda, 0xbe]) },
  { format: 'qed', at: 0, bytes: Buffer.from('QED\0') },
];

/** Bytes of a file that `signatureOf` wants to see. */
export const SIGNATURE_BYTES = 512;

/** The format that a file begins as; undefined for anything else. It warns of a wrong name and decides nothing. */
export function signatureOf(head: Buffer): string | undefined {
  return signatures.find(({ at, bytes }) => head.subarray(at, at + bytes.length).equals(bytes))?.format;
}
