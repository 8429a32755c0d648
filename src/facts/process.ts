import { z } from 'zod';
import { defineFact, type FactOutput } from './fact.ts';
import { headSections, linesOf } from './shell.ts';

// Processes by name, from /proc/PID/{status,cmdline} in one head(1). The kernel keeps 15 characters of a name; a longer
// one is completed from the command line. Threads are not seen. The collector's own processes do not count.

const HEAD = 512;
const MAX = 8 * 2 ** 20;
const PASSWD = 512 * 1024;
const COMM = 15;

const processArgs = z.strictObject({ name: z.string().min(1).max(255) });

const processValue = z.strictObject({
  count: z.int(),
  pids: z.array(z.int()),
  users: z.array(z.string()).meta({ description: 'names, or numbers where /etc/passwd has no name' }),
});

export type ProcessValue = z.output<typeof processValue>;
export type ProcessArgs = z.output<typeof processArgs>;

interface Running {
  pid: number;
  parent: number;
  uid: number;
  comm: string;
  argv: string[];
}

export const processFact = defineFact<ProcessArgs, ProcessValue>({
  name: 'process',
  description: 'the processes of a name, by their whole name, with their users',
  args: processArgs,
  schema: processValue,
  limit: () => MAX,
  fragment: () => `part passwd
head -c ${PASSWD} /etc/passwd
set -- /proc/[0-9]*
part pids
echo $$ "$@"
files=
for p; do files="$files $p/status $p/cmdline"; done
part heads
head -c ${HEAD} $files 2>/dev/null
[ -r /proc/1/status ]`,

  parse(output, requests) {
    const { running, diagnostics } = parseProcesses(output);
    if (!running) return requests.map(() => ({ diagnostics }));
    const users = parsePasswd(output);
    return requests.map(({ name }) => {
      const found = running.filter((p) => isNamed(p, name));
      return {
        value: {
          count: found.length,
          pids: found.map((p) => p.pid).slice(0, 100),
          users: [...new Set(found.map((p) => users.get(p.uid) ?? String(p.uid)))].sort(),
        },
        diagnostics,
      };
    });
  },
});

function parsePasswd(output: FactOutput): Map<number, string> {
  const users = new Map<number, string>();
  for (const line of linesOf(output.parts.find((p) => p.label === 'passwd')?.data)) {
    const [name, , uid] = line.split(':');
    if (name && /^\d+$/.test(uid ?? '') && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}

function parseProcesses(output: FactOutput): { running?: Running[]; diagnostics: string[] } {
  const part = (label: string) => output.parts.find((p) => p.label === label)?.data;
  const [own, ...folders] = (linesOf(part('pids'))[0] ?? '').split(' ');
  const asked = folders.flatMap((folder) => [`${folder}/status`, `${folder}/cmdline`]);
  const sections = headSections(part('heads') ?? Buffer.alloc(0), asked);
  if (!sections) return { diagnostics: ['a process of the guest disguises itself in its command line'] };
  if (sections.size === 0) return { diagnostics: ['/proc of the guest cannot be read'] };
  const running: Running[] = [];
  const diagnostics: string[] = [];
  for (const folder of folders) {
    const status = sections.get(`${folder}/status`);
    // A process may end between the two looks.
    if (status === undefined || status.trim() === '') continue;
    const process = parseStatus(status, sections.get(`${folder}/cmdline`) ?? '');
    if (process) running.push(process);
    else if (diagnostics.length < 5) diagnostics.push(`${folder}/status is malformed`);
  }
  return { running: withoutObserver(running, Number(own)), diagnostics };
}

/** Reads the head of a status file (proc_pid_status(5)) and a command line whose arguments end with NUL. */
export function parseStatus(status: string, cmdline: string): Running | undefined {
  const field = (name: string) => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1];
  const [pid, parent, uid] = [field('Pid'), field('PPid'), field('Uid')?.split('\t')[0]];
  const comm = field('Name');
  if (comm === undefined || ![pid, parent, uid].every((n) => /^\d+$/.test(n ?? ''))) return undefined;
  return {
    pid: Number(pid),
    parent: Number(parent),
    uid: Number(uid),
    comm: utf8(comm).replaceAll('\\n', '\n').replaceAll('\\\\', '\\'),
    argv: utf8(cmdline).split('\0'),
  };
}

const utf8 = (latin1: string) => Buffer.from(latin1, 'latin1').toString('utf8');

/** Whether a process has a name: that of the kernel where it is whole, else the one it was started by. */
export function isNamed(process: Pick<Running, 'comm' | 'argv'>, name: string): boolean {
  const [first = '', second = ''] = process.argv;
  const started = baseName(first).replace(/^-/, '');
  if (started === name) return true;
  if (process.comm.length < COMM || process.comm.length > COMM) return process.comm === name;
  // Cut short, perhaps. A script has its interpreter first.
  const whole = [started, baseName(second)].find((n) => n.startsWith(process.comm)) ?? process.comm;
  return whole === name;
}

const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** Drops the collector's shell with all below it, and the processes of its server that serve this and other logins. */
function withoutObserver(running: readonly Running[], own: number): Running[] {
  const byPid = new Map(running.map((p) => [p.pid, p]));
  const above = (pid: number): Running[] => {
    const chain: Running[] = [];
    for (let p = byPid.get(pid); p && chain.length < 64; p = byPid.get(p.parent)) chain.push(p);
    return chain;
  };
  // A server forks a process of its own name for each connection.
  const isSession = (p: Running) => byPid.get(p.parent)?.comm === p.comm;
  const server = above(own).find((p) => isSession(p))?.comm;
  return running.filter((p) => !above(p.pid).some((a) => a.pid === own) && !(p.comm === server && isSession(p)));
}
