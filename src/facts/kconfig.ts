import { z } from 'zod';
import { type Answer, defineFact, outputOf } from './fact.ts';
import { kernelOf } from './offline/kernel.ts';
import { linesOf, partOf } from './shell.ts';

// The configuration of the running kernel, from the first of /proc/config.gz, /boot/config-RELEASE,
// /lib/modules/RELEASE/config, …/build/.config and /usr/src/linux-RELEASE/.config. A build tree that has gone on to
// another release is passed over. Not read: the copy that a kernel image holds.

const kconfigArgs = z.strictObject({ symbols: z.array(z.string().regex(/^CONFIG_\w{1,120}$/)) });

const kconfigValue = z.strictObject({
  release: z.string(),
  source: z.string().meta({ description: 'the file that was read' }),
  values: z.record(z.string(), z.string()).meta({ description: 'only symbols that are set; text without its quotes' }),
});

export type KconfigArgs = z.output<typeof kconfigArgs>;
export type KconfigValue = z.output<typeof kconfigValue>;

export const kconfigFact = defineFact<KconfigArgs, KconfigValue>({
  name: 'kconfig',
  description: 'the configuration of the running kernel',
  args: kconfigArgs,
  schema: kconfigValue,
  limit: (requests) => 8192 + 4096 * requests.reduce((sum, r) => sum + r.symbols.length, 0),

  fragment: (requests) => `k=$(uname -r)
part release
echo "$k"
for f in /proc/config.gz "/boot/config-$k" "/lib/modules/$k/config" "/lib/modules/$k/build/.config" \\
  "/usr/src/linux-$k/.config"; do
  [ -r "$f" ] || continue
  case $f in */.config)
    r=
    [ ! -r "\${f%.config}include/config/kernel.release" ] || read -r r <"\${f%.config}include/config/kernel.release"
    [ "$r" = "$k" ] || { part other; echo "$f is of \${r:-an unknown release}"; continue; }
  esac
  part source
  echo "$f"
  part symbols
  case $f in *.gz) zcat "$f" ;; *) cat "$f" ;; esac | awk -v asked='${[...new Set(requests.flatMap((r) => r.symbols))].join(' ')}' '
    BEGIN { n = split(asked, list, " "); for (i = 1; i <= n; i++) wanted[list[i]] = 1 }
    /^CONFIG_[A-Za-z0-9_]+=/ { count++; name = $0; sub(/=.*/, "", name); if (name in wanted) print }
    END { print "settings", count + 0 }'
  break
done`,

  parse(output, requests) {
    const release = linesOf(partOf(output, 'release'))[0] ?? '';
    const source = linesOf(partOf(output, 'source'))[0];
    const others = output.parts.filter((p) => p.label === 'other').flatMap((p) => linesOf(p.data));
    const lines = linesOf(partOf(output, 'symbols'));
    const why = unreadable(source, release, lines.at(-1));
    if (why || source === undefined) return requests.map(() => ({ diagnostics: [why ?? '', ...others] }));
    const values = new Map(lines.slice(0, -1).flatMap((line) => settingOf(line) ?? []));
    return requests.map(({ symbols }): Answer<KconfigValue> => {
      const own = symbols.flatMap((symbol) => {
        const value = values.get(symbol);
        return value === undefined ? [] : [[symbol, value] as const];
      });
      return { value: { release, source, values: Object.fromEntries(own) }, diagnostics: others };
    });
  },

  async offline(disk, requests) {
    const release = await kernelOf(disk);
    for (const source of [`/boot/config-${release}`, `/lib/modules/${release}/config`]) {
      const text = await disk.text(source);
      if (text === undefined) continue;
      const lines = text.split('\n').filter((line) => /^CONFIG_\w+=/.test(line));
      const symbols = [...lines, `settings ${lines.length}`].join('\n');
      return this.parse(outputOf({ release, source, symbols }), requests);
    }
    return this.parse(outputOf({ release }), requests);
  },
});

/** A file without settings, or one that could not be read to its end, says nothing about any symbol. */
function unreadable(source: string | undefined, release: string, last: string | undefined): string | undefined {
  if (source === undefined) return `the guest has no configuration of its kernel ${release}`;
  return /^settings [1-9]\d*$/.test(last ?? '') ? undefined : `${source} of the guest holds no kernel configuration`;
}

/** `CONFIG_X=value`; text stands in quotes in which a backslash guards the next character. */
export function settingOf(line: string): [readonly [string, string]] | undefined {
  const [, name, value] = /^(CONFIG_\w+)=(.*)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) return undefined;
  const text = /^"(.*)"$/.exec(value)?.[1];
  return [[name, text === undefined ? value : text.replace(/\\(.)/g, '$1')]];
}
