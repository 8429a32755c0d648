import { z } from 'zod';
import type { HttpValue } from '../../facts/index.ts';
import { duration } from '../../schema/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeKeys, withReasons } from './keys.ts';
import { secondsFor } from './network.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    url: z.string().regex(/^https?:\/\/[^\s'"\\\0]{1,2000}$/, 'expected a URL that begins with http:// or https://'),
    status: expect.number.optional().meta({ description: 'of the last answer, where redirections are followed' }),
    headers: expect.text.optional().meta({ description: 'as text, a line `Content-Type: text/html` for each' }),
    body: expect.text.optional().meta({ description: 'of at most 1 MiB' }),
    method: z
      .string()
      .regex(/^[A-Z]{1,20}$/, 'expected a method such as GET')
      .optional(),
    'request-headers': z
      .array(z.string().regex(/^[\w-]+: [^\r\n\0]*$/, 'expected a header such as "Accept: text/html"'))
      .min(1)
      .optional(),
    'request-body': z.string().max(32_768).optional(),
    'allow-insecure': z.boolean().optional().meta({ description: 'takes any certificate' }),
    'no-follow-redirects': z.boolean().optional(),
    timeout: duration.optional().meta({ description: '5s where it is not given' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const httpCheck: FactCheck<Declaration> = {
  name: 'http',
  description: 'what a web server answers to the guest, by what it has: curl, wget or the wget of busybox',
  subject: 'url',
  schema,
  label: (d) => d.url,
  contradiction: (d) =>
    d.status === undefined && d.headers === undefined && d.body === undefined
      ? { path: [], message: 'asserts nothing: give at least one of status, headers, body' }
      : undefined,
  requests(d, scale) {
    const body = d['request-body'];
    const args = {
      url: d.url,
      method: d.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: d['request-headers'] ?? [],
      ...(body === undefined ? {} : { body }),
      insecure: d['allow-insecure'] ?? false,
      follow: !d['no-follow-redirects'],
      seconds: secondsFor(d.timeout, scale),
    };
    return [{ fact: 'http', args }];
  },
  judge(d, [answer], compare) {
    const found = answer?.value as HttpValue | undefined;
    if (!found) return unlearned(answer);
    const { status, headers, body } = found;
    const learned = {
      status: ['number', status],
      headers: ['text', headers?.join('\n')],
      body: ['text', body],
    } as const;
    return withReasons(judgeKeys(d, learned, compare), answer?.diagnostics ?? []);
  },
};
