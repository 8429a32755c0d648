import { type Answer, builtinFacts, collect } from '../../src/facts/index.ts';
import type { localChannel } from './local-channel.ts';

/** The answers of one fact to several questions, through a channel. */
export function ask(channel: ReturnType<typeof localChannel>, fact: string, ...args: object[]): Promise<Answer[]> {
  const requests = args.map((a) => ({ fact, args: a }));
  return collect(requests, { facts: builtinFacts, channel, timeout: 20_000 });
}

/** One fact's answers to what a guest printed, part by part. */
export function parse(name: string, parts: Record<string, string | Buffer>, requests: readonly object[], status = 0) {
  const fact = builtinFacts.find((f) => f.name === name);
  const list = Object.entries(parts).map(([label, data]) => ({ label, data: Buffer.from(data) }));
  const answers = fact?.parse({ parts: list, stderr: '', status }, requests) ?? [];
  for (const { value } of answers) if (value !== undefined) fact?.schema.parse(value);
  return answers;
}

/** Something to ask of each fact that needs to be asked about something. */
export const samples: Readonly<Record<string, object>> = {
  file: { path: '/etc/passwd', sums: ['sha256'], contents: true },
  service: { name: 'sshd' },
  process: { name: 'init' },
  user: { name: 'root', groups: true },
  package: { name: 'base-files' },
  group: { name: 'root' },
  'kernel-param': { name: 'kernel.ostype' },
  kconfig: { symbols: ['CONFIG_64BIT'] },
  module: { name: 'loop', parameters: ['max_loop'] },
  addr: { host: '127.0.0.1', port: 9, seconds: 1 },
  dns: { name: 'localhost', seconds: 2 },
  http: { url: 'http://127.0.0.1:9/', method: 'GET', headers: [], insecure: false, follow: true, seconds: 1 },
  filesystem: { path: '/' },
  partition: { disk: '/dev/vda' },
  setuid: { paths: ['/etc'] },
  journal: { identifier: 'kernel' },
};
