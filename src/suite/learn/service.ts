import type { EnabledServicesValue, ServiceValue } from '../../facts/index.ts';
import { judgeEnabled } from '../checks/service.ts';
import type { Learner } from './learner.ts';

const SETTLED = ['started', 'stopped', 'crashed', 'failed'];

export const serviceLearner: Learner = {
  check: 'service',
  test: 'starts its services',
  survey: {
    requests: [{ fact: 'enabled-services', args: {} }],
    subjects: ([answer]) =>
      ((answer?.value ?? []) as EnabledServicesValue).map((name) => name.replace(/\.service$/, '')),
  },
  requests: (name) => [{ fact: 'service', args: { name } }],
  declare(name, [value], named) {
    const service = value as ServiceValue;
    // One that has done its work at boot is stopped, or was still at it.
    const keep = named ? SETTLED : ['started'];
    const state = keep.find((word) => word === service.state);
    const [first = false] = service.runlevels;
    const enabled =
      service.init === 'openrc' ? first : [true, false].find((e) => judgeEnabled(e, service).length === 0);
    if (state === undefined && enabled === undefined) return undefined;
    return { name, state, enabled };
  },
};
