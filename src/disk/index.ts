export { readCpio } from './codec/cpio-read.ts';
export { type CpioEntry, type CpioOptions, writeCpio } from './codec/cpio-write.ts';
export { decompressors } from './codec/decompress.ts';
export { resolveDevice } from './device.ts';
export { type Disk, type OpenDiskOptions, openChain, openDisk } from './disk.ts';
export {
  type FileExtent,
  type FileSystem,
  type FsEntry,
  type FsNode,
  type NodeStat,
  type NodeType,
  type Timestamp,
  typeOfMode,
  type Usage,
  type Xattr,
} from './fs/file-system.ts';
export { type FstabEntry, parseFstab } from './fstab.ts';
export { filesOf, type ImageChain, type ImageLayer, isOneFile } from './image/layer.ts';
export { openImage } from './image/open.ts';
export type { Snapshot } from './image/qcow2-snapshots.ts';
export { type Layout, readLayout, type Volume } from './layout.ts';
export type { Partition, PartitionTable } from './partition/table.ts';
export { dosTypeName, gptTypeName } from './partition/types.ts';
export { type FsPath, joinPath } from './path.ts';
export { type ImageTree, openTree } from './tree.ts';
export type { Diagnostic } from './trouble.ts';
export { contentOf, type Located, Vfs } from './vfs.ts';
export { type Walked, walkTree } from './walk.ts';
