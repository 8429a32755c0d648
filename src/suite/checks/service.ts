import { z } from 'zod';
import type { ServiceValue } from '../../facts/index.ts';
import { type FactCheck, type Finding, unlearned } from '../check.ts';
import { judgeKeys } from './keys.ts';

const state = z.enum(['started', 'stopped', 'crashed', 'failed']);

/** What may be asked of a service, alone and within `openrc`. */
export const serviceKeys = {
  state: z
    .union([state, z.strictObject({ not: state })], { error: 'expected started, stopped, crashed or failed' })
    .optional()
    .meta({ description: 'or `{ not: … }` for any other state' }),
  enabled: z
    .union([z.boolean(), z.string().min(1)], { error: 'expected true, false or the name of a runlevel' })
    .optional()
    .meta({ description: 'the runlevel that it is in (OpenRC), or whether it is started at boot at all' }),
};

const schema = () =>
  z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_][\w.@:\\-]{0,254}$/, 'expected the name of a service'),
    ...serviceKeys,
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const serviceCheck: FactCheck<Declaration> = {
  name: 'service',
  description: 'a service under OpenRC or systemd; one that does not exist is stopped and not enabled',
  subject: 'name',
  live: ['state'],
  schema,
  label: (d) => d.name,
  requests: (d) => [{ fact: 'service', args: { name: d.name } }],
  judge(d, [answer], compare) {
    const service = answer?.value as ServiceValue | undefined;
    if (!service) return unlearned(answer);
    const findings = [
      ...judgeKeys(d, { state: ['string', service.state] }, compare),
      ...judgeEnabled(d.enabled, service),
    ];
    if (service.exists) return findings;
    return findings.map((f) => ({ ...f, message: `${f.message}; there is no service ${d.name}` }));
  },
};

const ENABLED = ['enabled', 'enabled-runtime', 'linked', 'linked-runtime', 'alias'];
const DISABLED = ['disabled', 'masked', 'masked-runtime'];

/** Judges `enabled`. A systemd unit that is static, indirect or generated is neither enabled nor disabled. */
export function judgeEnabled(
  expected: boolean | string | undefined,
  service: Pick<ServiceValue, 'init' | 'enablement' | 'runlevels'>,
): Finding[] {
  if (expected === undefined) return [];
  const actual = service.init === 'openrc' ? service.runlevels.join(', ') || 'in no runlevel' : service.enablement;
  const finding = (message: string): Finding[] => [
    { path: ['enabled'], message: `enabled: ${message}`, expected: String(expected), actual },
  ];
  if (typeof expected === 'string') {
    if (service.init === 'systemd') return finding(`systemd has no runlevel "${expected}"; write true or false`);
    return service.runlevels.includes(expected) ? [] : finding(`expected in runlevel ${expected}, found ${actual}`);
  }
  if ((expected ? ENABLED : DISABLED).includes(service.enablement)) return [];
  return finding(`expected ${expected ? 'enabled' : 'not enabled'}, found ${actual}`);
}
