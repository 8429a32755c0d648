import type { Channel, SshAddress } from '../guest/index.ts';
import type { Guest } from '../lab/index.ts';
import type { RunError } from '../schema/index.ts';
import type { GuestPlace, SuitePlan } from '../suite/index.ts';
import { toRunError } from './failure.ts';
import type { GuestPool } from './guest-pool.ts';

/** What a worker gets when it asks for the guest of its suite. */
export type LeaseAnswer =
  | ({ guest: string; scale: number; boot: Guest['boot']; place: GuestPlace } & Way)
  | { error: RunError };

/** How a worker gets into a guest: by a channel that the main process serves, or a login of its own. */
export interface Way {
  served: Channel['kind'] | null;
  address: SshAddress | null;
}

/** What a worker gets when the guest has booted again. */
export type RestartAnswer = ({ boot: Guest['boot'] } & Way) | { error: RunError };

/** What a worker gets when another guest goes on in the place of its one. */
export type SuccessorAnswer = ({ guest: string; boot: Guest['boot'] } & Way) | { error: RunError };

/** What a worker gets when it asks what became of its guest: its name, and why it is gone. */
export interface Diagnosis {
  guest?: string;
  error?: RunError;
}

export interface LeaseOptions {
  accelerator: GuestPlace['accelerator'];
  /** Returns when a person has seen enough of a guest in which a test failed. */
  pause?: ((guest: string, why: string) => Promise<void>) | undefined;
}

/** Broker methods for workers, each for a suite by its key, or one of its tests: a guest, its power and cables, its end. */
export function leaseHandlers(plans: readonly SuitePlan[], pool: GuestPool, { accelerator, pause }: LeaseOptions) {
  const planOf = (params: unknown): SuitePlan => {
    const key = (params as { suite?: unknown } | null)?.suite;
    const plan = plans.find((candidate) => candidate.key === key);
    if (!plan) throw new Error('no such suite');
    return plan;
  };
  const testOf = (params: unknown): string | undefined => {
    const test = (params as { test?: unknown } | null)?.test;
    return typeof test === 'string' ? test : undefined;
  };
  const successor =
    (how: 'milestone' | 'rollback') =>
    async (params: unknown): Promise<SuccessorAnswer> => {
      try {
        const guest = await pool[how](planOf(params), testOf(params));
        return { guest: guest.name, boot: guest.boot, ...wayInto(guest) };
      } catch (error) {
        return { error: toRunError(error) };
      }
    };
  return {
    milestone: successor('milestone'),
    rollback: successor('rollback'),
    async lease(params: unknown): Promise<LeaseAnswer> {
      const plan = planOf(params);
      try {
        const guest = await pool.lease(plan, testOf(params));
        const { name, scale, boot } = guest;
        return { guest: name, scale, boot, place: placeOf(guest, accelerator), ...wayInto(guest) };
      } catch (error) {
        return { error: toRunError(error) };
      }
    },
    async restart(params: unknown, signal: AbortSignal): Promise<RestartAnswer> {
      const { how, timeout } = params as { how: 'reboot' | 'crash'; timeout?: number };
      try {
        const { guest, record } = await pool.restart(planOf(params), testOf(params), how, { timeout, signal });
        return { boot: record, ...wayInto(guest) };
      } catch (error) {
        return { error: toRunError(error) };
      }
    },
    async network(params: unknown): Promise<Record<string, never>> {
      const guest = await pool.lease(planOf(params), testOf(params));
      await guest.setLink((params as { up?: unknown }).up === true);
      return {};
    },
    async diagnose(params: unknown): Promise<Diagnosis> {
      const [plan, test] = [planOf(params), testOf(params)];
      const lost = await pool.lostReason(plan, test);
      const guest = pool.nameOf(plan, test);
      return { ...(guest === undefined ? {} : { guest }), ...(lost ? { error: toRunError(lost) } : {}) };
    },
    async pause(params: unknown): Promise<Record<string, never>> {
      const { name } = await pool.lease(planOf(params), testOf(params));
      await pause?.(name, String((params as { why?: unknown }).why));
      return {};
    },
    async renew(params: unknown): Promise<{ renewed: boolean }> {
      return { renewed: await pool.renew(planOf(params), testOf(params)) };
    },
    async release(params: unknown): Promise<Record<string, never>> {
      await pool.release(planOf(params), testOf(params));
      return {};
    },
  };
}

/** A login costs an emulated guest a second: a fork, which lives for one test, has that of the main process alone. */
function wayInto(guest: Guest): Way {
  const { kind } = guest.channel();
  const served = kind === 'console' || guest.spec.checkpoint !== undefined;
  return { served: served ? kind : null, address: (kind === 'ssh' && guest.ssh) || null };
}

function placeOf({ spec: { machine } }: Guest, accelerator: GuestPlace['accelerator']): GuestPlace {
  const modes = machine.networks.map(({ mode }) => mode);
  const network = (['internet', 'restricted'] as const).find((mode) => modes.includes(mode)) ?? 'none';
  return { arch: machine.arch, memory: machine.memory, network, accelerator };
}
