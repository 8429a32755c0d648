import { z } from 'zod';
import { shellQuote } from '../core/index.ts';
import { answersOf, dnsTools, qtypes } from './dns-answers.ts';
import { type Answer, defineFact } from './fact.ts';
import { partOf } from './shell.ts';

// A name as the guest resolves it: by its name service switch (getent(1), so /etc/hosts counts), or, where a type or a
// server is asked for, by DNS with the first of dig, drill and nslookup (of BIND or busybox) that the guest has.

const dnsArgs = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_][\w.:-]{0,254}$/, 'expected a name'),
  qtype: z.enum(qtypes).optional(),
  server: z
    .string()
    .regex(/^[A-Za-z0-9:][\w.:-]{0,254}$/, 'expected the address of a name server')
    .optional(),
  seconds: z.int().min(1),
});

const dnsValue = z.strictObject({ resolvable: z.boolean(), addrs: z.array(z.string()), tool: z.string() });

export type DnsArgs = z.output<typeof dnsArgs>;
export type DnsValue = z.output<typeof dnsValue>;

const MAX = 64 * 1024;

export const dnsFact = defineFact<DnsArgs, DnsValue>({
  name: 'dns',
  description: 'what a name resolves to in the guest',
  args: dnsArgs,
  schema: dnsValue,
  limit: (requests) => requests.length * (MAX + 200),
  fragment(requests) {
    const asks = requests.map(({ name, qtype = '', server = '', seconds }, i) => {
      const words = [name, qtype, server].map((word) => (word === '' ? "''" : shellQuote(word)));
      return `ask ${i} ${seconds} ${words.join(' ')}`;
    });
    return `ask() {
  n=$1 s=$2
  if [ -z "$4$5" ] && command -v getent >/dev/null; then tool=getent; set -- getent ahosts "$3"
  elif command -v dig >/dev/null; then
    tool=dig; set -- dig +noall +answer +comments "+time=$s" +tries=1 \${5:+"@$5"} -t "\${4:-A}" -q "$3"
  elif command -v drill >/dev/null; then tool=drill; set -- drill \${5:+"@$5"} "$3" "\${4:-A}"
  elif command -v nslookup >/dev/null; then tool=nslookup; set -- nslookup "-type=\${4:-A}" "$3" \${5:+"$5"}
  elif command -v busybox >/dev/null; then tool=nslookup; set -- busybox nslookup "-type=\${4:-A}" "$3" \${5:+"$5"}
  else return
  fi
  part $tool.$n
  { timeout "$s" "$@" 2>&1; r=$?; part status.$n; echo $r; } | head -c ${MAX}
}
${asks.join('\n')}
:`;
  },

  parse: (output, requests) =>
    requests.map((request, i): Answer<DnsValue> => {
      const tool = dnsTools.find((name) => partOf(output, `${name}.${i}`) !== undefined);
      if (tool === undefined)
        return {
          diagnostics: [`the guest has no program that asks for ${request.qtype ?? 'names'}: dig, drill, nslookup`],
        };
      const said = partOf(output, `${tool}.${i}`)?.toString('utf8') ?? '';
      const status = partOf(output, `status.${i}`)?.toString('latin1').trim();
      const addrs = answersOf(tool, said, request.qtype ?? 'A', Number(status ?? Number.NaN));
      if (typeof addrs === 'string') return { diagnostics: [`${request.name}: ${tool} says: ${addrs}`] };
      return { value: { resolvable: addrs.length > 0, addrs, tool }, diagnostics: [] };
    }),
});
