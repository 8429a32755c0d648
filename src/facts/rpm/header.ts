// Reads: name, epoch, version, release and architecture of a package header as rpm's databases keep it: an index of
// tags, then their data. Specification: the RPM V4 package format, section Header (rpm.org), without its lead-in.
import { damaged } from './damage.ts';

export interface RpmPackage {
  name: string;
  /** With the epoch where there is one: EPOCH:VERSION-RELEASE. */
  version: string;
  architecture: string;
}

const TAGS = { name: 1000, version: 1001, release: 1002, epoch: 1003, arch: 1022 } as const;
const INT32 = 4;
const STRING = 6;
const MOST_TAGS = 65_536;
const LONGEST = 1024;

/** @throws GvmError `corrupt` */
export function readRpmHeader(blob: Buffer): RpmPackage {
  if (blob.length < 8) throw damaged('the header of a package is cut off');
  const [tags, bytes] = [blob.readUInt32BE(0), blob.readUInt32BE(4)];
  const data = 8 + tags * 16;
  if (tags > MOST_TAGS || data + bytes > blob.length) throw damaged('the header of a package is cut off');
  const found = new Map<number, string>();
  for (let at = 8; at < data; at += 16) {
    const [tag, type, offset] = [blob.readUInt32BE(at), blob.readUInt32BE(at + 4), data + blob.readUInt32BE(at + 8)];
    if (type === STRING && offset < blob.length) {
      const end = blob.indexOf(0, offset);
      found.set(tag, blob.toString('utf8', offset, Math.min(end < 0 ? blob.length : end, offset + LONGEST)));
    } else if (type === INT32 && tag === TAGS.epoch && offset + 4 <= blob.length) {
      found.set(tag, String(blob.readUInt32BE(offset)));
    }
  }
  const [name, version, release] = [found.get(TAGS.name), found.get(TAGS.version), found.get(TAGS.release)];
  if (!name || !version || !release) throw damaged('the header of a package has no name or version');
  const epoch = found.get(TAGS.epoch);
  return {
    name,
    version: `${epoch === undefined ? '' : `${epoch}:`}${version}-${release}`,
    architecture: found.get(TAGS.arch) ?? '',
  };
}
