const SLASH = 0x2f;

/** A path: bytes, or text that is taken as UTF-8. */
export type FsPath = string | Buffer;

export function pathBytes(path: FsPath): Buffer {
  return typeof path === 'string' ? Buffer.from(path) : path;
}

/** The parts between the slashes, without empty ones and `.`. */
export function splitPath(path: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0; from < path.length; ) {
    const slash = path.indexOf(SLASH, from);
    const end = slash < 0 ? path.length : slash;
    const part = path.subarray(from, end);
    if (part.length > 0 && !(part.length === 1 && part[0] === 0x2e)) parts.push(part);
    from = end + 1;
  }
  return parts;
}

export function isAbsolute(path: Buffer): boolean {
  return path[0] === SLASH;
}

/** A directory's path and a name, joined; the path of the root is `/`. */
export function joinPath(directory: Buffer, name: Buffer): Buffer {
  const slash = Buffer.from('/');
  return directory.length === 1 ? Buffer.concat([slash, name]) : Buffer.concat([directory, slash, name]);
}
