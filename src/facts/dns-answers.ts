// Reads what programs that ask DNS print. dig(1) and drill(1): records in the form of a zone file (RFC 1035, 5.1) under
// a header that says the status. nslookup(1) of BIND and of busybox: prose. Final dots of names are taken off.

export const qtypes = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SRV', 'TXT'] as const;
export type Qtype = (typeof qtypes)[number];

export const dnsTools = ['getent', 'dig', 'drill', 'nslookup'] as const;

const ABSENT = ['NXDOMAIN', 'NOERROR'];

/** The answers; none where the name does not exist or has no such record; text where nothing was learned: why. */
export function answersOf(
  tool: (typeof dnsTools)[number],
  said: string,
  qtype: Qtype,
  status: number,
): string[] | string {
  if (Number.isNaN(status)) return 'more than is read';
  if (tool === 'getent') return ofGetent(said, status);
  if (status === 124 || status === 143) return 'no answer in time';
  return tool === 'nslookup' ? ofNslookup(said, qtype) : ofZone(said, qtype);
}

/** getent(1) ends with 2 where the switch finds nothing, whatever the reason is. */
function ofGetent(said: string, status: number): string[] | string {
  if (status === 2 || status === 124 || status === 143) return [];
  if (status !== 0) return said.trim().slice(0, 200) || `status ${status}`;
  return unique(said.split('\n').map((line) => line.split(/\s+/)[0] ?? ''));
}

function ofZone(said: string, qtype: Qtype): string[] | string {
  const status = /^;; ->>HEADER<<-.*\b(?:status|rcode): ([A-Z]+)/m.exec(said)?.[1];
  if (status === undefined || !ABSENT.includes(status)) return status ?? firstLine(said);
  const answers = said.split('\n').flatMap((line) => {
    const [, type, data] = /^[^;\s]\S*\s+\d+\s+IN\s+([A-Z]+)\s+(.+?)\s*$/.exec(line) ?? [];
    return type === qtype && data !== undefined ? [withoutDots(data, qtype)] : [];
  });
  return unique(answers);
}

/** How nslookup says each type. */
const PROSE: Readonly<Record<Qtype, RegExp>> = {
  A: /^Address(?: \d+)?:\s+(\d{1,3}(?:\.\d{1,3}){3})(?:\s|$)/,
  AAAA: /^(?:Address(?: \d+)?:\s+|\S+\s+has AAAA address )([0-9a-fA-F]*:[0-9a-fA-F:.]+)(?:\s|$)/,
  CNAME: /canonical name = (.+)$/,
  MX: /mail exchanger = (.+)$/,
  NS: /nameserver = (.+)$/,
  PTR: /name = (.+)$/,
  SRV: /service = (.+)$/,
  TXT: /text = (.+)$/,
};

function ofNslookup(said: string, qtype: Qtype): string[] | string {
  // The first block names the server that was asked.
  const [first = '', ...others] = said.split(/\n\s*\n/);
  const blocks = /^Server:/m.test(first) ? others : [first, ...others];
  const answers = blocks
    .join('\n')
    .split('\n')
    .flatMap((line) => PROSE[qtype].exec(line)?.[1] ?? []);
  if (answers.length > 0) return unique(answers.map((data) => withoutDots(data.trim(), qtype)));
  return /NXDOMAIN|No answer/i.test(said) ? [] : firstLine(blocks.join('\n') || said);
}

function withoutDots(data: string, qtype: Qtype): string {
  return qtype === 'TXT' ? data : data.replace(/\.$/, '');
}

const unique = (answers: readonly string[]) => [...new Set(answers.filter((answer) => answer !== ''))];
const firstLine = (text: string) => text.trim().split('\n')[0]?.slice(0, 200) || 'nothing';
