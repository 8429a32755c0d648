// Reads: what a VMDK image says of itself, its extents and its parent, without opening either.
// Specification: VMware, Virtual Disk Format 5.0. Does not read: see vmdk-descriptor.ts and vmdk-header.ts.
import { unsupported } from '../trouble.ts';
import type { ImageFile } from './image-file.ts';
import type { Audit } from './layer.ts';
import { DESCRIPTOR_MARK, LARGEST_DESCRIPTOR, parseDescriptor, type VmdkDescriptor } from './vmdk-descriptor.ts';
import { readSparseHeader } from './vmdk-header.ts';

const IN_ONE_FILE = ['monolithicSparse', 'streamOptimized'];
const MARK = Buffer.from(DESCRIPTOR_MARK);

/** @throws GvmError `image-corrupt`, `unsupported` */
export async function auditVmdk(file: ImageFile): Promise<Audit> {
  const head = await file.head(MARK.length);
  return head.equals(MARK) ? auditDescribed(file) : auditSparse(file);
}

/** A text file that names the files in which the disk lies. */
async function auditDescribed(file: ImageFile): Promise<Audit> {
  if (file.size > LARGEST_DESCRIPTOR) {
    throw file.corrupt('VMDK descriptor', 0, `the VMDK descriptor has ${file.size} bytes (${LARGEST_DESCRIPTOR})`);
  }
  const descriptor = parseDescriptor(file, (await file.read(0, file.size, 'VMDK descriptor')).toString('utf8'), 0);
  const { extents, type } = descriptor;
  if (extents.length === 0) throw file.corrupt('VMDK descriptor', 0, 'the VMDK descriptor names no extents');
  if (IN_ONE_FILE.includes(type)) {
    throw file.corrupt('VMDK descriptor', 0, `a ${type} disk has its descriptor within, and this is one alone`);
  }
  return { ...identity(descriptor), virtualSize: sum(file, extents), extents };
}

/** A file that is one sparse extent and holds its descriptor. The name of that extent is the file's own, or an old one. */
async function auditSparse(file: ImageFile): Promise<Audit> {
  const header = await readSparseHeader(file);
  const { at, length } = header.descriptor;
  if (at === 0 || length === 0) {
    throw unsupported(file.path, 'one extent of a disk in several files by itself: name the file that describes them');
  }
  if (length > LARGEST_DESCRIPTOR) {
    throw file.corrupt(
      'VMDK header',
      36,
      `the VMDK header says a descriptor of ${length} bytes (${LARGEST_DESCRIPTOR})`,
    );
  }
  const text = (await file.read(at, length, 'VMDK descriptor')).toString('utf8');
  const descriptor = parseDescriptor(file, text, at);
  const [extent, another] = descriptor.extents;
  const wrong =
    another || extent?.kind !== 'sparse'
      ? 'describes other extents than the file itself'
      : extent.length !== header.capacity
        ? `says ${extent.length} bytes, and the header ${header.capacity}`
        : undefined;
  if (wrong !== undefined) throw file.corrupt('VMDK descriptor', at, `the VMDK descriptor ${wrong}`);
  const { capacity } = header;
  const extents = [{ kind: 'sparse' as const, length: capacity, file: file.path, offset: 0 }];
  return { ...identity(descriptor), virtualSize: capacity, extents };
}

function identity({ id, parent }: VmdkDescriptor): Pick<Audit, 'id' | 'parentId' | 'backing'> {
  return { id, parentId: parent?.id, backing: parent && { name: parent.name, format: 'vmdk' } };
}

function sum(file: ImageFile, extents: VmdkDescriptor['extents']): number {
  const size = extents.reduce((total, { length }) => total + length, 0);
  if (Number.isSafeInteger(size)) return size;
  throw file.corrupt('VMDK descriptor', 0, `the VMDK descriptor says a disk of ${size} bytes`);
}
