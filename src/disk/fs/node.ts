import { GvmError } from '../../errors/index.ts';
import type { FsNode, NodeType } from './file-system.ts';

/** @throws GvmError `usage` when a node is not of the type that an operation is for */
export function needType(node: FsNode, type: NodeType): void {
  if (node.stat.type === type) return;
  throw new GvmError({
    code: 'usage',
    message: `inode ${node.stat.ino} is no ${type}, but a ${node.stat.type}`,
    details: { ino: node.stat.ino, expected: type, found: node.stat.type },
  });
}

/** Whether bytes can be the name of a directory entry: not empty, no NUL, no slash. */
export function isName(name: Buffer): boolean {
  return name.length > 0 && !name.includes(0) && !name.includes(0x2f);
}

/** Whether a name is `.` or `..`. */
export function isDots(name: Buffer): boolean {
  return name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e));
}

/** Searches a directory from its beginning. */
export async function scanFor(directory: FsNode, name: Buffer, signal?: AbortSignal): Promise<FsNode | undefined> {
  for await (const entry of directory.entries(signal)) {
    if (entry.name.equals(name)) return entry.node(signal);
  }
  return undefined;
}
