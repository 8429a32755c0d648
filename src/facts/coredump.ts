import { z } from 'zod';
import { defineFact } from './fact.ts';
import { KERNEL_LOG, parseKernelLog } from './kernel-log.ts';
import { linesOf, partOf } from './shell.ts';

// Programs that died by a fault: core dumps where kernel.core_pattern (core(5)) or systemd-coredump puts them, and what
// the kernel said of faults nobody handled. A pattern without a folder means the one that the program was in: those of
// the running programs and a few more are looked at. Links are none: /dev/core leads to /proc/kcore, and a thread of the
// kernel is in /dev. A file of such a name that may not be read counts as a dump.

const MAX = 512 * 1024;
/** The first line, which shows that the log can be read, and what may tell of a fault. */
const FAULTS = "-n -e 1p -e '/segfault at /p' -e '/traps: /p' -e '/unhandled /p' -e '/type=1701 /p'";
const MOST = 100;

const coredumpValue = z.strictObject({
  pattern: z.string(),
  dumps: z.array(z.strictObject({ path: z.string(), program: z.string().optional() })),
  crashes: z
    .array(z.strictObject({ program: z.string(), pid: z.int().optional(), line: z.string() }))
    .optional()
    .meta({ description: 'absent where the log of the kernel cannot be read' }),
});

export type CoredumpValue = z.output<typeof coredumpValue>;

export const coredumpFact = defineFact<Record<string, never>, CoredumpValue>({
  name: 'coredump',
  description: 'core dumps, and programs of which the kernel says that they died by a fault',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: coredumpValue,
  limit: () => 2 * MAX,
  fragment: () => `p=
read -r p </proc/sys/kernel/core_pattern
part pattern
echo "$p"
glob=\${p:-core}
while :; do case $glob in *%?*) glob="\${glob%%%?*}*\${glob#*%?}" ;; *) break ;; esac; done
IFS=
case $p in
  '|'*) set -- ;;
  /*) set -- $glob $glob.[0-9]* ;;
  *) set -- /$glob /$glob.[0-9]* /root/$glob /root/$glob.[0-9]* /home/*/$glob /home/*/$glob.[0-9]* /tmp/$glob /tmp/$glob.[0-9]* \\
    /var/tmp/$glob /var/tmp/$glob.[0-9]* /proc/[1-9]*/cwd/$glob /proc/[1-9]*/cwd/$glob.[0-9]* ;;
esac
unset IFS
seen=
for f in "$@" /var/lib/systemd/coredump/core.*; do
  [ -f "$f" ] && [ ! -L "$f" ] || continue
  case $f in /proc/*) f=$(readlink -f "$f"); [ -f "$f" ] || continue ;; esac
  case $seen in *"|$f|"*) continue ;; esac
  seen="$seen|$f|"
  part dump
  printf %s "$f"
  if [ -r "$f" ]; then part head; head -c 18 "$f"; else part denied; fi
done
part log
{ ${KERNEL_LOG}; } | { busybox sed ${FAULTS} 2>/dev/null || sed ${FAULTS}; }`,

  parse(output) {
    const pattern = linesOf(partOf(output, 'pattern'))[0];
    if (pattern === undefined) return [{ diagnostics: ['kernel.core_pattern of the guest cannot be read'] }];
    const found = output.parts.flatMap((part, i) =>
      part.label === 'dump' ? [[part, output.parts[i + 1]] as const] : [],
    );
    if (found.length > MOST)
      return [{ diagnostics: [`there are ${found.length} core dumps; at most ${MOST} are read`] }];
    const dumps = found.flatMap(([{ data }, head]) => {
      const path = data.toString('utf8');
      return path.startsWith('/var/lib/systemd/coredump/') || head?.label === 'denied' || isCore(head?.data)
        ? [dumpOf(path)]
        : [];
    });
    const log = partOf(output, 'log') ?? Buffer.alloc(0);
    const lines = parseKernelLog(log.toString('utf8'));
    if (lines.length === 0 || log.length >= MAX)
      return [{ value: { pattern, dumps }, diagnostics: ['the log of the kernel cannot be read'] }];
    const crashes = lines.flatMap((line) => (line.kernel ? (crashOf(line.text) ?? []) : []));
    return [{ value: { pattern, dumps, crashes }, diagnostics: [] }];
  },
});

/** An ELF file of type ET_CORE, of either byte order (elf(5)). */
function isCore(head: Buffer | undefined): boolean {
  if (!head || head.length < 18 || head.toString('latin1', 0, 4) !== '\x7fELF') return false;
  return (head[5] === 2 ? head.readUInt16BE(16) : head.readUInt16LE(16)) === 4;
}

/** systemd-coredump's names: core.PROGRAM.UID.BOOT.PID.TIME with the ending of a compression. */
function dumpOf(path: string): CoredumpValue['dumps'][number] {
  const [, program] = /\/core\.(.+)\.\d+\.[0-9a-f]{32}\.\d+\.\d+(?:\.\w+)?$/.exec(path) ?? [];
  return program === undefined ? { path } : { path, program };
}

/** What the kernel says when a fault ends a program: of x86, of arm64 and others, of audit. */
const CRASHES = [
  /^(?:traps: )?(?<program>.+?)\[(?<pid>\d+)\]:? (?:segfault at |general protection |trap |unhandled exception)/,
  /^(?<program>.+?)\[(?<pid>\d+)\]: unhandled (?:signal|exception|level)/,
  /type=1701 .*\bpid=(?<pid>\d+) comm="(?<program>[^"]+)"/,
];

export function crashOf(text: string): NonNullable<CoredumpValue['crashes']>[number] | undefined {
  for (const pattern of CRASHES) {
    const { program, pid } = pattern.exec(text)?.groups ?? {};
    if (program !== undefined) return { program, pid: Number(pid), line: text.slice(0, 400) };
  }
  return undefined;
}
