import { splitPath } from '../../path.ts';
import { BtrfsNode, type BtrfsVolume, FIRST_INODE, FIRST_TREE, openSubvolume } from './node.ts';
import { ITEM_TYPE } from './tree.ts';

const END = 2n ** 64n - 1n;
const MOST = 256;

/** Names of the subvolumes in the topmost folder. @throws GvmError `corrupt` */
export async function topSubvolumes({ trees, roots }: BtrfsVolume, signal?: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  const from = { object: BigInt(FIRST_TREE), type: ITEM_TYPE.rootReference, offset: 0n };
  for await (const { data } of trees.items(roots, from, { ...from, offset: END }, signal)) {
    if (data.u64le(0) === FIRST_INODE) names.push(data.slice(18, data.u16le(16)).toString('utf8'));
    if (names.length >= MOST) break;
  }
  return names;
}

/**
 * The number of the subvolume at a path from the top, as `subvol=` of mount(8) takes it, or that with a number, as
 * `subvolid=`; undefined where there is none.
 */
export async function findSubvolume(
  volume: BtrfsVolume,
  name: string,
  signal?: AbortSignal,
): Promise<bigint | undefined> {
  const number = /^id=(\d{1,15})$/.exec(name)?.[1];
  if (number !== undefined) {
    const from = { object: BigInt(number === '0' ? FIRST_TREE : number), type: ITEM_TYPE.root, offset: 0n };
    return (await volume.trees.first(volume.roots, from, { ...from, offset: END }, signal))?.key.object;
  }
  let node = await BtrfsNode.root(volume, await openSubvolume(volume, BigInt(FIRST_TREE), signal), signal);
  for (const part of splitPath(Buffer.from(name))) {
    const next = node.stat.type === 'directory' ? await node.lookup(part, signal) : undefined;
    if (!(next instanceof BtrfsNode)) return undefined;
    node = next;
  }
  return node.subvolumeRoot;
}
