import { z } from 'zod';
import { defineFact } from './fact.ts';
import { guestPath } from './guest-path.ts';
import { filesOffline } from './offline/file.ts';
import { linesOf, pathWord } from './shell.ts';

// A path and what stands at it, by stat(1), sha256sum(1) and its like, head(1) and readlink(1). Type, mode and owner are those of
// the path itself, also where it is a symbolic link; contents and sum follow links and are read of regular files only.

export const MAX_CONTENTS = 2 ** 20;

/** The sums that are known, each by a program SUMsum(1). */
export const fileSums = ['md5', 'sha256', 'sha512'] as const;

const fileArgs = z.strictObject({
  path: guestPath,
  contents: z.boolean().optional(),
  sums: z.array(z.enum(fileSums)).optional(),
  target: z.boolean().optional(),
});

export const fileTypes = ['file', 'directory', 'symlink', 'character', 'block', 'fifo', 'socket'] as const;

const fileValue = z.discriminatedUnion('exists', [
  z.strictObject({ exists: z.literal(false) }),
  z.strictObject({
    exists: z.literal(true),
    type: z.enum(fileTypes),
    mode: z.string().regex(/^[0-7]{4}$/),
    owner: z.string().meta({ description: 'the name, or the number where the guest knows no name' }),
    group: z.string(),
    uid: z.int(),
    gid: z.int(),
    size: z.int(),
    md5: z.string().length(32).optional(),
    sha256: z.string().length(64).optional(),
    sha512: z.string().length(128).optional(),
    contents: z.string().max(MAX_CONTENTS).optional(),
    target: z.string().optional(),
  }),
]);

export type FileArgs = z.output<typeof fileArgs>;
export type FileValue = z.output<typeof fileValue>;

const S_IFMT: Record<number, (typeof fileTypes)[number]> = {
  1: 'fifo',
  2: 'character',
  4: 'directory',
  6: 'block',
  8: 'file',
  10: 'symlink',
  12: 'socket',
};

/** Says `yes`, `no` or `denied`: a path that cannot be seen for lack of permission does not count as absent. */
const KNOWN = `known() {
  if [ -e "$2" ] || [ -L "$2" ]; then echo "$1 yes"; return 0; fi
  d=$2
  while :; do
    case $d in */*) d=\${d%/*} ;; *) d=. ;; esac
    [ -n "$d" ] || d=/
    if [ -d "$d" ]; then
      if [ -x "$d" ]; then echo "$1 no"; else echo "$1 denied"; fi
      return 1
    fi
  done
}`;

export const fileFact = defineFact<FileArgs, FileValue>({
  name: 'file',
  description: 'what stands at a path: type, mode, owner, size, contents, sum, target of a link',
  args: fileArgs,
  schema: fileValue,
  limit: (requests) =>
    requests.reduce((sum, r) => sum + 1024 + (r.contents ? MAX_CONTENTS + 1 : 0) + (r.target ? 8192 : 0), 0),

  fragment(requests) {
    const lines = [KNOWN, 'set --', 'part known'];
    for (const [i, { path }] of requests.entries()) {
      lines.push(`if known ${i} ${pathWord(path)}; then set -- "$@" ${pathWord(path)}; fi`);
    }
    lines.push('part stat', `[ $# -eq 0 ] || stat -c '%f:%u:%g:%s:%U:%G' -- "$@"`);
    for (const [i, request] of requests.entries()) {
      const word = pathWord(request.path);
      // The part after a reading program says that it succeeded.
      for (const sum of request.sums ?? []) lines.push(`part ${sum}.${i}`, `[ ! -f ${word} ] || ${sum}sum <${word}`);
      if (request.contents)
        lines.push(
          `part contents.${i}`,
          `[ ! -f ${word} ] || { head -c ${MAX_CONTENTS + 1} <${word} && part read.${i}; }`,
        );
      if (request.target) lines.push(`part target.${i}`, `[ ! -L ${word} ] || { readlink ${word} && part link.${i}; }`);
    }
    lines.push(':');
    return lines.join('\n');
  },

  parse(output, requests) {
    const parts = new Map(output.parts.map((part) => [part.label, part.data]));
    const known = linesOf(parts.get('known'));
    const stats = linesOf(parts.get('stat'));
    const present = requests.flatMap((_, i) => (known[i] === `${i} yes` ? [i] : []));
    return requests.map((request, i) => {
      if (known[i] === `${i} no`) return { value: { exists: false }, diagnostics: [] };
      if (known[i] === `${i} denied`)
        return { diagnostics: [`${request.path}: a folder on the way to it may not be searched by the login user`] };
      if (stats.length !== present.length)
        return { diagnostics: [`${request.path}: stat answered for ${stats.length} of ${present.length} paths`] };
      return describe(stats[present.indexOf(i)] ?? '', request, i, parts);
    });
  },

  offline: filesOffline,
});

function describe(stat: string, request: FileArgs, i: number, parts: Map<string, Buffer>) {
  const [mode, uid, gid, size, owner, group] = stat.split(':');
  const bits = /^[0-9a-f]{1,8}$/.test(mode ?? '') ? Number.parseInt(mode ?? '', 16) : -1;
  const type = S_IFMT[bits >> 12];
  if (bits < 0 || !type || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '') || !/^\d+$/.test(size ?? ''))
    return { diagnostics: [`${request.path}: stat answered "${stat}"`] };
  const value: FileValue = {
    exists: true,
    type,
    mode: (bits & 0o7777).toString(8).padStart(4, '0'),
    owner: named(owner, uid),
    group: named(group, gid),
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
  };
  const diagnostics: string[] = [];
  for (const sum of request.sums ?? []) {
    const [, digits] = /^([0-9a-f]+) /.exec(parts.get(`${sum}.${i}`)?.toString('latin1') ?? '') ?? [];
    if (digits) value[sum] = digits;
    else diagnostics.push(`${request.path} has no ${sum} sum: it is no regular file, or may not be read`);
  }
  const contents = parts.get(`contents.${i}`);
  if (contents && contents.length > MAX_CONTENTS)
    diagnostics.push(`${request.path}: its contents are not read, they are larger than ${MAX_CONTENTS} bytes`);
  else if (contents && parts.has(`read.${i}`)) value.contents = contents.toString('utf8');
  else if (request.contents) diagnostics.push(`${request.path} is no regular file, or may not be read`);
  const target = parts.get(`target.${i}`);
  if (target && parts.has(`link.${i}`)) value.target = target.toString('utf8').replace(/\n$/, '');
  return { value, diagnostics };
}

/** stat(1) says UNKNOWN for an identity without a name. */
function named(name: string | undefined, id: string | undefined): string {
  return name === undefined || name === '' || name === 'UNKNOWN' ? (id ?? '') : name;
}
