// Reads an HTTP answer (RFC 9112, 9113) as curl(1) and wget(1) print it.

export interface HttpAnswer {
  status: number;
  /** `Name: value`, each name in the spelling Content-Type. */
  headers: string[];
  body?: string;
}

/** What curl's own status means, where it is no answer (curl(1), EXIT CODES). */
const CURL: Readonly<Record<number, string>> = {
  6: 'the name could not be resolved',
  7: 'nothing answers there',
  28: 'no answer in time',
  35: 'TLS could not be set up',
  47: 'there are too many redirections',
  52: 'the server said nothing',
  60: 'the certificate could not be verified',
};

/**
 * `-i` with `-w '\n%{http_code} %{size_header}'` and curl's status behind it.
 * @returns text that says why, where there was no answer
 */
export function parseCurl(output: Buffer, maxBody: number): HttpAnswer | string {
  const newline = output.lastIndexOf('\n');
  const match = /^(\d{3}) (\d{1,9}) (\d{1,3})$/.exec(output.toString('latin1', newline + 1).trim());
  if (!match) return `its answer is larger than ${maxBody} bytes`;
  const [, , size = '', status = ''] = match;
  const headers = headersOf(output.toString('utf8', 0, Number(size)));
  if (status !== '0' || !headers) return CURL[Number(status)] ?? `curl ended with status ${status}`;
  const body = output.subarray(Number(size), Math.max(Number(size), newline));
  return { ...headers, ...(body.length > maxBody ? {} : { body: body.toString('utf8') }) };
}

/** `-S`: each line of a header behind two spaces, among what wget says; its status in the last line. */
export function parseWget(head: Buffer, body: Buffer, maxBody: number): HttpAnswer | string {
  const lines = head.toString('utf8').split('\n');
  const headers = headersOf(lines.flatMap((line) => /^ {2}(\S.*?)\r?$/.exec(line)?.[1] ?? []).join('\n'));
  if (headers) return { ...headers, ...(body.length > maxBody ? {} : { body: body.toString('utf8') }) };
  const status = lines.findLast((line) => line.startsWith('status '));
  if (status === 'status 124' || status === 'status 143') return 'no answer in time';
  const said = lines.findLast((line) => line !== '' && line !== status);
  return said?.slice(0, 200) ?? `wget ended with ${status ?? 'an unknown status'}`;
}

/** Status and headers of the last answer: redirections and interim answers come before it. */
function headersOf(text: string): Pick<HttpAnswer, 'status' | 'headers'> | undefined {
  let found: { status: number; headers: string[] } | undefined;
  for (const line of text.split(/\r?\n/)) {
    const status = /^HTTP\/[\d.]+ (\d{3})(?: |$)/.exec(line)?.[1];
    if (status !== undefined) {
      found = { status: Number(status), headers: [] };
      continue;
    }
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (found && name !== undefined) found.headers.push(`${spelled(name)}: ${value}`);
  }
  return found;
}

const spelled = (name: string) =>
  name.toLowerCase().replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => `${dash}${letter.toUpperCase()}`);
