import { clip, printable } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { QmpEvent } from './qmp/protocol.ts';

/**
 * What an event says of trouble on the host, for whoever waits for the guest: QEMU could not write or read a disk.
 * After a full disk the guest stands still and will not go on by itself. Undefined for every other event, and for
 * errors that the guest alone has to do with.
 */
export function hostTrouble(event: QmpEvent): GvmError | undefined {
  if (event.name !== 'BLOCK_IO_ERROR') return undefined;
  const { operation, action, nospace, reason, 'node-name': node } = event.data;
  const what = `QEMU could not ${operation === 'read' ? 'read' : 'write'} the guest's disk ${clip(printable(String(node)), 40)}`;
  const details = { operation, action, node };
  if (nospace === true) {
    return new GvmError({
      code: 'disk-full',
      message: `${what}: no space is left on the host`,
      hint: 'free some space, or point GVM_HOME and TMPDIR at a larger file system',
      details,
    });
  }
  const why = clip(printable(String(reason ?? 'input or output error')), 200);
  return new GvmError({ code: 'host-resource', message: `${what}: ${why}`, details });
}
