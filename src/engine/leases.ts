import type { Guest } from '../lab/index.ts';
import type { RunError } from '../schema/index.ts';
import type { SuitePlan } from '../suite/index.ts';
import { toRunError } from './failure.ts';
import type { GuestPool } from './guest-pool.ts';

/** What a worker gets when it asks for the guest of its suite. */
export type LeaseAnswer =
  | { guest: string; address: Guest['ssh']; scale: number; boot: Guest['boot'] }
  | { error: RunError };

/** The broker's methods for workers: `lease`, `diagnose` and `release`, each for a suite by its key. */
export function leaseHandlers(plans: readonly SuitePlan[], pool: GuestPool) {
  const planOf = (params: unknown): SuitePlan | undefined => {
    const key = (params as { suite?: unknown } | null)?.suite;
    return plans.find((plan) => plan.key === key);
  };
  return {
    async lease(params: unknown): Promise<LeaseAnswer> {
      const plan = planOf(params);
      if (!plan) throw new Error('no such suite');
      try {
        const guest = await pool.lease(plan);
        return { guest: guest.name, address: guest.ssh, scale: guest.scale, boot: guest.boot };
      } catch (error) {
        return { error: toRunError(error) };
      }
    },
    async diagnose(params: unknown): Promise<{ error?: RunError }> {
      const plan = planOf(params);
      const lost = plan && (await pool.lostReason(plan));
      return lost ? { error: toRunError(lost) } : {};
    },
    async release(params: unknown): Promise<Record<string, never>> {
      const plan = planOf(params);
      if (plan) await pool.release(plan);
      return {};
    },
  };
}
