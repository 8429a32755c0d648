import { z } from 'zod';
import { type Answer, defineFact, outputOf } from './fact.ts';
import { moduleName } from './modules/index.ts';
import { kernelOf } from './offline/kernel.ts';
import { linesOf, partOf } from './shell.ts';

// A kernel module: whether it is loaded (/proc/modules), built in (modules.builtin, else /sys/module), or can be
// loaded (modules.dep of the running kernel), and parameters from /sys/module. "-" and "_" are the same in a name.

const MAX = 512 * 1024;
const MAX_VALUE = 4096;

const moduleArgs = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'expected the name of a kernel module'),
  parameters: z.array(z.string().regex(/^\w{1,100}$/)).optional(),
});

const moduleValue = z.strictObject({
  release: z.string(),
  loaded: z.boolean().optional().meta({ description: 'absent on a powered-off disk' }),
  builtin: z.boolean().optional().meta({ description: 'absent where nothing tells' }),
  file: z.string().optional().meta({ description: 'below /lib/modules/RELEASE' }),
  indexed: z.boolean().meta({ description: 'the guest has a modules.dep for its kernel' }),
  parameters: z.record(z.string(), z.string()).optional(),
});

export type ModuleArgs = z.output<typeof moduleArgs>;
export type ModuleValue = z.output<typeof moduleValue>;

const canonical = (name: string) => name.replaceAll('-', '_');

export const moduleFact = defineFact<ModuleArgs, ModuleValue>({
  name: 'module',
  description: 'a kernel module: loaded, built in, available, its parameters',
  args: moduleArgs,
  schema: moduleValue,
  limit: (requests) =>
    MAX + requests.reduce((sum, r) => sum + 2048 + (r.parameters?.length ?? 0) * (MAX_VALUE + 200), 0),

  fragment(requests) {
    const names = [...new Set(requests.map((r) => canonical(r.name)))];
    const pattern = names.map((name) => name.replaceAll('_', '[-_]')).join('|');
    const parameters = requests.flatMap((r, i) =>
      (r.parameters ?? []).map((p) => {
        const file = `/sys/module/${canonical(r.name)}/parameters/${p}`;
        return `[ ! -r ${file} ] || { part value.${i}.${p}; head -c ${MAX_VALUE} ${file}; }`;
      }),
    );
    return `k=$(uname -r)
part release
echo "$k"
part loaded
[ ! -e /proc/modules ] || head -c ${MAX} /proc/modules
d=/lib/modules/$k
if [ -r "$d/modules.dep" ]; then part files; grep -E '(^|/)(${pattern})\\.ko(\\.[a-z0-9]+)?:' "$d/modules.dep"; fi
if [ -r "$d/modules.builtin" ]; then part builtin; grep -E '(^|/)(${pattern})\\.ko$' "$d/modules.builtin"; fi
part sys
for m in ${names.join(' ')}; do [ ! -d /sys/module/$m ] || echo $m; done
${parameters.join('\n')}
[ -d /proc/sys ]`;
  },

  parse(output, requests) {
    const release = linesOf(partOf(output, 'release'))[0] ?? '';
    const loaded = partOf(output, 'loaded');
    if (output.status !== 0 || release === '' || !loaded || loaded.length >= MAX)
      return requests.map(() => ({ diagnostics: ['the modules of the guest cannot be listed'] }));
    const running = new Set(linesOf(loaded).map((line) => line.split(' ')[0] ?? ''));
    const [files, builtin] = [partOf(output, 'files'), partOf(output, 'builtin')];
    const present = new Set(linesOf(partOf(output, 'sys')));
    return requests.map((request, i): Answer<ModuleValue> => {
      const name = canonical(request.name);
      const file = linesOf(files)
        .map((line) => line.split(':')[0] ?? '')
        .find((path) => moduleName(path) === name);
      const isBuiltin = builtin
        ? linesOf(builtin).some((path) => moduleName(path) === name)
        : // A built-in one without parameters has no folder: only a folder proves something.
          present.has(name) && !running.has(name)
          ? true
          : undefined;
      const parameters = (request.parameters ?? []).flatMap((p) => {
        const value = partOf(output, `value.${i}.${p}`);
        return value ? [[p, value.toString('utf8').replace(/\n$/, '')] as const] : [];
      });
      return {
        value: {
          release,
          ...(partOf(output, 'off') ? {} : { loaded: running.has(name) }),
          indexed: files !== undefined,
          ...(isBuiltin === undefined ? {} : { builtin: isBuiltin }),
          ...(file === undefined ? {} : { file }),
          ...(request.parameters ? { parameters: Object.fromEntries(parameters) } : {}),
        },
        diagnostics: [],
      };
    });
  },

  async offline(disk, requests) {
    const release = await kernelOf(disk);
    const folder = `/lib/modules/${release}`;
    const parts: Record<string, string> = { release, loaded: '', off: '' };
    const files = await disk.text(`${folder}/modules.dep`);
    const builtin = await disk.text(`${folder}/modules.builtin`);
    if (files !== undefined) parts.files = files;
    if (builtin !== undefined) parts.builtin = builtin;
    return this.parse(outputOf(parts), requests);
  },
});
