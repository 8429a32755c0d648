import { z } from 'zod';
import { shellQuote } from '../core/index.ts';
import { type Answer, defineFact } from './fact.ts';
import { linesOf, partOf } from './shell.ts';

// Whether a TCP connection can be made from the guest, by the first of bash (/dev/tcp), socat(1), nc(1) and busybox that
// can. Only socat and a full nc can choose the local address.

const host = z.string().regex(/^[A-Za-z0-9_:][\w.:%-]{0,254}$/, 'expected a host name or an IP address');

const addrArgs = z.strictObject({
  host,
  port: z.int().min(1).max(65535),
  seconds: z.int().min(1),
  local: host.optional(),
});

const addrValue = z.strictObject({ reachable: z.boolean(), why: z.string(), tool: z.string() });

export type AddrArgs = z.output<typeof addrArgs>;
export type AddrValue = z.output<typeof addrValue>;

/** Prints the tool, what it said, and its status: of each tool that is there, until one can answer. */
const REACH = `reach() {
  if [ -z "$4" ] && command -v bash >/dev/null; then
    said=$(timeout "$3" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
    s=$?
    case $said in *'No such file'*) ;; *) printf '%s\\n' bash "$said" $s; return ;; esac
  fi
  if command -v socat >/dev/null; then
    case $1 in *:*) h="[$1]" ;; *) h=$1 ;; esac
    said=$(socat -u OPEN:/dev/null "TCP:$h:$2,connect-timeout=$3\${4:+,bind=$4}" 2>&1)
    printf '%s\\n' socat "$said" $?
    return
  fi
  nc=nc
  command -v nc >/dev/null || nc='busybox nc'
  case $($nc --help 2>&1) in
    *BusyBox*) [ -z "$4" ] || return; said=$($nc -w "$3" "$1" "$2" -e true 2>&1) ;;
    *'not found'*) return ;;
    *) said=$(nc -z -w "$3" \${4:+-s "$4"} "$1" "$2" 2>&1) ;;
  esac
  printf '%s\\n' nc "$said" $?
}`;

export const addrFact = defineFact<AddrArgs, AddrValue>({
  name: 'addr',
  description: 'whether a TCP port answers to the guest',
  args: addrArgs,
  schema: addrValue,
  limit: (requests) => requests.length * 8192,
  fragment(requests) {
    const tries = requests.map(
      ({ host, port, seconds, local = '' }, i) =>
        `part addr.${i}\nreach ${shellQuote(host)} ${port} ${seconds} ${local === '' ? "''" : shellQuote(local)}`,
    );
    return `${REACH}\n${tries.join('\n')}\n:`;
  },

  parse: (output, requests) =>
    requests.map((request, i): Answer<AddrValue> => {
      const lines = linesOf(partOf(output, `addr.${i}`));
      const [tool, status] = [lines[0], lines.at(-1)];
      if (tool === undefined || lines.length < 2 || !/^\d{1,3}$/.test(status ?? ''))
        return {
          diagnostics: [`the guest has no program that connects${request.local ? ' from a given address' : ''}`],
        };
      const said = lines.slice(1, -1).join('\n');
      const reachable = status === '0';
      return {
        value: { reachable, tool, why: reachable ? '' : reasonOf(Number(status), said, request) },
        diagnostics: [],
      };
    }),
});

function reasonOf(status: number, said: string, { seconds }: AddrArgs): string {
  if ([124, 143].includes(status) || /timed? ?out/i.test(said)) return `no answer within ${seconds} s`;
  const known =
    /connection refused|name or service not known|[a-z ]*failure in name resolution|could not resolve host|network is unreachable|no route to host|bad address/i;
  const phrase = known.exec(said)?.[0] ?? said.split('\n').at(-1)?.slice(0, 200);
  return phrase ? phrase.toLowerCase() : `status ${status}`;
}
