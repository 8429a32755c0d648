import { z } from 'zod';
import { shellQuote } from '../core/index.ts';
import { type Answer, defineFact } from './fact.ts';
import { parseCurl, parseWget } from './http-answers.ts';
import { partOf } from './shell.ts';

// What a web server answers to the guest, by the first of curl(1), wget(1) of GNU and busybox's wget. The last verifies
// no certificate, knows GET and POST only, and keeps no body of an answer that is an error.

export const MAX_BODY = 2 ** 20;
const MAX_HEAD = 64 * 1024;

const httpArgs = z.strictObject({
  url: z.string().regex(/^https?:\/\/[^\s'"\\\0]{1,2000}$/, 'expected a URL that begins with http:// or https://'),
  method: z.string().regex(/^[A-Z]{1,20}$/),
  headers: z.array(z.string()),
  body: z.string().optional(),
  insecure: z.boolean(),
  follow: z.boolean(),
  seconds: z.int().min(1),
});

const httpValue = z.strictObject({
  status: z.int(),
  headers: z
    .array(z.string())
    .optional()
    .meta({ description: 'Name: value, of the last answer; absent where the program does not show them' }),
  body: z.string().optional().meta({ description: 'absent where it is too large, or the program shows none' }),
  tool: z.string(),
});

export type HttpArgs = z.output<typeof httpArgs>;
export type HttpValue = z.output<typeof httpValue>;

export const httpFact = defineFact<HttpArgs, HttpValue>({
  name: 'http',
  description: 'the answer of a web server to the guest',
  args: httpArgs,
  schema: httpValue,
  limit: (requests) => requests.length * (MAX_BODY + 2 * MAX_HEAD),
  fragment(requests) {
    const asks = requests.map(
      (
        r,
        i,
      ) => `if command -v curl >/dev/null; then part curl.${i}; { ${curl(r)}; printf ' %s' $?; } | head -c ${MAX_BODY + MAX_HEAD}
elif case $(wget --version 2>&1) in *GNU*) ;; *) false ;; esac; then ${captured('wget', gnuWget(r), i)}
elif command -v busybox >/dev/null || command -v wget >/dev/null; then
w=wget
command -v wget >/dev/null || w='busybox wget'
${busyboxCan(r, i) ?? captured('busybox', busyboxWget(r), i)}
fi`,
    );
    return `exec 5>&1\n${asks.join('\n')}\n:`;
  },

  parse: (output, requests) =>
    requests.map((request, i): Answer<HttpValue> => {
      const part = (label: string) => partOf(output, `${label}.${i}`);
      const why = part('cannot')?.toString('utf8').trim();
      if (why) return { diagnostics: [`${request.url}: ${why}`] };
      const curlSaid = part('curl');
      const head = part('head');
      if (!curlSaid && !head) return { diagnostics: ['the guest has none of curl, wget, busybox'] };
      const answer = curlSaid
        ? parseCurl(curlSaid, MAX_BODY)
        : parseWget(head ?? Buffer.alloc(0), part('wget') ?? part('busybox') ?? Buffer.alloc(0), MAX_BODY);
      if (typeof answer === 'string') return { diagnostics: [`${request.url}: ${answer}`] };
      const tool = curlSaid ? 'curl' : part('wget') ? 'wget' : 'busybox wget';
      const { status, headers, body } = answer;
      if (tool === 'busybox wget' && status >= 400)
        return { value: { status, tool }, diagnostics: ['wget of busybox shows of an error only its status'] };
      return body === undefined
        ? { value: { status, headers, tool }, diagnostics: [`the body is larger than ${MAX_BODY} bytes`] }
        : { value: { status, headers, body, tool }, diagnostics: [] };
    }),
});

/** The header comes first; after the body status and length of all headers, and curl's own status. */
function curl({ url, method, headers, body, insecure, follow, seconds }: HttpArgs): string {
  const options = [
    ...['-sS', '-g', '-i', '-m', String(seconds), '-w', '\\n%{http_code} %{size_header}'],
    ...(method === 'HEAD' ? ['-I'] : ['-X', method]),
    ...headers.flatMap((header) => ['-H', header]),
    ...(body === undefined ? [] : ['--data-raw', body]),
    ...(insecure ? ['-k'] : []),
    ...(follow ? ['-L', '--max-redirs', '20'] : []),
  ];
  return ['curl', ...options, url].map(shellQuote).join(' ');
}

function gnuWget({ url, method, headers, body, insecure, follow, seconds }: HttpArgs): string {
  const options = [
    ...['-q', '-S', '-O', '-', '--content-on-error', '--tries=1', `--timeout=${seconds}`, `--method=${method}`],
    ...headers.map((header) => `--header=${header}`),
    ...(body === undefined ? [] : [`--body-data=${body}`]),
    ...(insecure ? ['--no-check-certificate'] : []),
    `--max-redirect=${follow ? 20 : 0}`,
  ];
  return ['wget', ...options, url].map(shellQuote).join(' ');
}

function busyboxWget({ url, method, headers, body, seconds }: HttpArgs): string {
  const options = [
    ...['-q', '-S', '-O', '-'],
    ...headers.flatMap((header) => ['--header', header]),
    ...(method === 'POST' ? ['--post-data', body ?? ''] : []),
  ];
  return `timeout ${seconds} $w ${[...options, url].map(shellQuote).join(' ')}`;
}

/** Shell text that says why busybox's wget cannot answer; undefined where it can. */
function busyboxCan({ url, method, insecure, follow, body }: HttpArgs, i: number): string | undefined {
  const why =
    url.startsWith('https:') && !insecure
      ? 'wget of busybox verifies no certificate; install curl, or say allow-insecure'
      : !follow
        ? 'wget of busybox follows every redirection'
        : method !== 'POST' && (method !== 'GET' || body !== undefined)
          ? 'wget of busybox knows only GET and POST'
          : undefined;
  return why === undefined ? undefined : `part cannot.${i}; echo ${shellQuote(why)}`;
}

/** The body as a part, then the headers, which wget(1) says on standard error, with its status. */
const captured = (label: string, command: string, i: number) => `part ${label}.${i}
h=$({ { ${command} 2>&3; echo "status $?" >&3; } | head -c ${MAX_BODY + 1} >&4; } 3>&1 4>&5)
part head.${i}
printf '%s' "$h" | tail -c ${MAX_HEAD}`;
