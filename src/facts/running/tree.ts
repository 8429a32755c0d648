import { randomBytes } from 'node:crypto';
import { unescapeOctal } from '../../core/index.ts';
import { type FileSystem, type NodeStat, typeOfMode, type Usage, type Xattr } from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import { type GuestShell, wordOf } from './guest.ts';
import { RunningNode, type Shared } from './node.ts';

const MOST = 256 * 2 ** 20;
/** The fields of stat(1) that its versions of GNU and busybox share, the name last. */
const FIELDS = '%f %u %g %h %s %Y %d %i %b %B %t %T %n';

/** All files of a running guest as one tree, listed with one question; what is on no disk is an empty folder. */
export class RunningFileSystem implements FileSystem {
  readonly type: string;
  readonly label: string | undefined;
  readonly uuid: string | undefined;
  readonly blockSize = 4096;
  readonly features = [];
  readonly diagnostics = [];
  readonly #root: RunningNode;
  readonly #usage: () => Promise<Usage>;

  constructor(is: Pick<FileSystem, 'type' | 'label' | 'uuid'>, root: RunningNode, usage: () => Promise<Usage>) {
    this.type = is.type;
    this.label = is.label;
    this.uuid = is.uuid;
    this.#root = root;
    this.#usage = usage;
  }

  async root(): Promise<RunningNode> {
    return this.#root;
  }

  usage(): Promise<Usage> {
    return this.#usage();
  }
}

/**
 * Lists a guest's files.
 * @param hidden mount points below which nothing is on a disk
 * @throws GvmError `unsupported` where the guest has no find(1) and stat(1) that can
 */
export async function listFiles(shell: GuestShell, hidden: readonly string[]): Promise<RunningNode> {
  const mark = randomBytes(8).toString('hex');
  const stat = `-exec stat -c '${mark} ${FIELDS}' {} +`;
  const pruned = hidden.map((path) => `-path ${wordOf(Buffer.from(path))}`).join(' -o ');
  const listing = await shell.ask(`find / ${pruned ? `\\( ${pruned} \\) -prune ${stat} -o ` : ''}${stat}`, MOST);
  const shared: Shared = { shell, xattrs: await listXattrs(shell), kept: 0 };
  const inodes = new Map<string, number>();
  const nodes = new Map<string, RunningNode>();
  for (const { path, stat: own } of records(listing, mark, inodes)) {
    const key = path.toString('latin1');
    if (nodes.has(key)) continue;
    // find(1) tells a folder before what is in it.
    const at = key.lastIndexOf('/');
    const parent = key === '/' ? undefined : nodes.get(at === 0 ? '/' : key.slice(0, at));
    const node = new RunningNode(shared, path, own, parent);
    nodes.set(key, node);
    parent?.children.set(key.slice(at + 1), node);
  }
  const root = nodes.get('/');
  if (root) return root;
  throw new GvmError({ code: 'unsupported', message: 'find and stat of the guest do not list its files' });
}

/** What follows each mark; a name ends where the next line begins with the mark. */
function* records(
  listing: Buffer,
  mark: string,
  inodes: Map<string, number>,
): Generator<{ path: Buffer; stat: NodeStat }> {
  const begin = Buffer.from(`${mark} `);
  for (let at = listing.indexOf(begin); at >= 0; ) {
    const next = listing.indexOf(begin, at + begin.length);
    const record = listing.subarray(at + begin.length, (next < 0 ? listing.length : next) - 1);
    at = next;
    const head = /^([0-9a-f]{1,4})((?: \d+){9}) ([0-9a-f]+) ([0-9a-f]+) /.exec(record.toString('latin1', 0, 200));
    const path = record.subarray(head?.[0].length ?? 0);
    if (head && path[0] === 0x2f) yield { path, stat: statOf(head, inodes) };
  }
}

function statOf(
  [, raw = '', numbers = '', major = '', minor = '']: readonly string[],
  inodes: Map<string, number>,
): NodeStat {
  const [uid = 0, gid = 0, nlink = 0, size = 0, mtime = 0, , , blocks = 0, unit = 0] = numbers
    .trim()
    .split(' ')
    .map(Number);
  const identity = numbers.trim().split(' ').slice(5, 7).join(' ');
  const ino = inodes.get(identity) ?? inodes.size + 1;
  inodes.set(identity, ino);
  const mode = Number.parseInt(raw, 16);
  const type = typeOfMode(mode);
  const isDevice = type === 'block' || type === 'character';
  return {
    ...{ ino, type, mode: mode & 0o7777, uid, gid, nlink, size, allocated: blocks * unit },
    mtime: { seconds: mtime, nanoseconds: 0 },
    ...{ atime: undefined, ctime: undefined, btime: undefined },
    device: isDevice ? { major: Number.parseInt(major, 16), minor: Number.parseInt(minor, 16) } : undefined,
  };
}

/** The capabilities of files, where the guest has getfattr(1). */
async function listXattrs(shell: GuestShell): Promise<Map<string, Xattr[]>> {
  const said = await shell.ask(
    `getfattr -R -P -h -m '^security\\.capability$' -d -e hex --absolute-names /bin /sbin /usr /opt`,
    MOST,
  );
  const found = new Map<string, Xattr[]>();
  let path = '';
  for (const line of said.toString('latin1').split('\n')) {
    const named = /^# file: (.*)$/.exec(line)?.[1];
    if (named !== undefined) path = unescapeOctal(named);
    const value = /^security\.capability=0x([0-9a-f]+)$/.exec(line)?.[1];
    if (value) found.set(path, [{ name: Buffer.from('security.capability'), value: Buffer.from(value, 'hex') }]);
  }
  return found;
}
