import { monotonic, pause } from '../core/index.ts';
import type { GvmError } from '../errors/index.ts';
import type { CheckpointStore, Guest, GuestSpec } from '../lab/index.ts';
import type { GuestRecord, RebootRecord } from '../schema/index.ts';
import type { SuitePlan } from '../suite/index.ts';

import { Admission, type AdmissionLimits } from './admission.ts';
import { guestName, keyOf } from './guest-names.ts';
import { failedBoot } from './records.ts';
import { RunGuests, type RunGuestsOptions } from './run-guests.ts';
import { Spares } from './spares.ts';
import { Templates } from './templates.ts';

export interface PoolOptions extends RunGuestsOptions {
  checkpoints: CheckpointStore;
  limits: AdmissionLimits;
  warn(text: string): void;
  describe(plan: SuitePlan, guest: string): Promise<GuestSpec>;
  /** Whether the one guest of a suite file is a fork as well, of a guest that was just booted. */
  forksFile(plan: SuitePlan): boolean;
}

/** Milliseconds that a guest's end may take to become known after its connection broke. */
const LOST_GRACE = 1000;

interface Lease {
  /** Its name, also where it never becomes ready. */
  name: string;
  guest: Promise<Guest>;
  /** Suites that have not released it yet. */
  users: Set<string>;
}

/**
 * Who has which guest of a run. Each suite file leases one; with `isolation: shared` all files that describe the same
 * guest lease the same one, with `isolation: fork` each test has a fork of its file's. Guests belong to this process,
 * never to a worker.
 */
export class GuestPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #guests: RunGuests;
  readonly #admission: Admission;
  readonly #leases = new Map<string, Lease>();
  readonly #keys: ReadonlyMap<string, string>;
  readonly #templates: Templates;
  readonly #spares: Spares;
  #count = 0;

  constructor(plans: readonly SuitePlan[], options: PoolOptions) {
    this.#options = options;
    this.#guests = new RunGuests(options);
    this.#admission = new Admission(options.limits, options.warn);
    this.#keys = new Map(plans.map((plan) => [plan.key, keyOf(plan)]));
    const { lab, checkpoints: store, describe, signal } = options;
    const take = (plan: SuitePlan) => this.#take(plan);
    const leave = (guest: Guest) => this.#guests.end(guest);
    const { accelerator, run } = lab;
    this.#templates = new Templates({ store, accelerator, run, describe, take, leave, signal });
    this.#spares = new Spares({
      admission: this.#admission,
      guests: this.#guests,
      templates: this.#templates,
      name: (plan) => guestName(plan, ++this.#count),
      signal,
    });
  }

  get records(): GuestRecord[] {
    return this.#guests.records;
  }

  /**
   * The guest of a suite, booted at the first call, or the fork of it that one of its tests has for itself.
   * @throws GvmError the reason why it never became ready
   */
  lease(plan: SuitePlan, test?: string): Promise<Guest> {
    const key = keyOf(plan, test);
    let lease = this.#leases.get(key);
    if (!lease) {
      const users = [...this.#keys].filter(([, k]) => k === key).map(([user]) => user);
      lease = { ...this.#begin(plan, test), users: new Set(test === undefined ? users : [plan.key]) };
      this.#leases.set(key, lease);
    }
    return lease.guest;
  }

  #begin(plan: SuitePlan, test?: string): Pick<Lease, 'name' | 'guest'> {
    if (test !== undefined) return this.#spares.take(plan, test);
    const name = guestName(plan, ++this.#count);
    const forks = plan.isolation === 'file' && this.#options.forksFile(plan);
    const guest = forks ? this.#spares.fork(plan, name) : this.#boot(plan, name, plan.isolation === 'fork');
    guest.catch(() => {});
    return { name, guest };
  }

  /**
   * Boots another guest in the place of one that is gone or never became ready; one that lives stays.
   * @returns whether there is another one
   */
  async renew(plan: SuitePlan, test?: string): Promise<boolean> {
    const lease = this.#leases.get(keyOf(plan, test));
    if (!lease) return false;
    const { name, guest: before } = lease;
    const guest = await before.catch(() => undefined);
    if (guest && !(await Promise.race([guest.lost, undefined]))) return false;
    // Another suite that shares the guest may have been quicker.
    if (lease.guest !== before) return true;
    if (test !== undefined) await this.#templates.retry(plan);
    Object.assign(lease, this.#begin(plan, test));
    const record = this.#guests.recordOf(name);
    if (record) record.replaced = true;
    if (guest) {
      await this.#guests.close(guest);
      await this.#guests.end(guest);
    }
    return true;
  }

  /**
   * Boots the guest of a suite again; the record keeps every boot, and the guest's health is looked at as after the
   * first one. @throws GvmError why it did not come back
   */
  async restart(
    plan: SuitePlan,
    test: string | undefined,
    how: 'reboot' | 'crash',
    { timeout, signal }: { timeout: number | undefined; signal: AbortSignal },
  ): Promise<{ guest: Guest; record: RebootRecord }> {
    const guest = await this.lease(plan, test);
    const wait = { timeout: Math.max(timeout ?? 0, guest.spec.machine.timeout), signal };
    const began = monotonic();
    const own = this.#guests.recordOf(guest.name);
    const keep = (record: RebootRecord) => own && Object.assign(own, { reboots: [...(own.reboots ?? []), record] });
    try {
      const record = await guest[how](wait);
      keep(record);
      this.#options.emit({ kind: 'guest-restarted', guest: guest.name, record });
      await this.#guests.look(guest, 'ready');
      return { guest, record };
    } catch (error) {
      keep({ ...failedBoot(error, signal), how, beganMs: Math.round(began - guest.startedAt) });
      throw error;
    }
  }

  /** A suite is over. The last one of a guest has its health judged and ends it. */
  async release(plan: SuitePlan, test?: string): Promise<void> {
    const lease = this.#leases.get(keyOf(plan, test));
    lease?.users.delete(plan.key);
    if (!lease || lease.users.size > 0) return;
    const guest = await lease.guest.catch(() => undefined);
    if (!guest) return;
    await this.#guests.look(guest, 'release');
    await this.#guests.close(guest);
    await this.#guests.end(guest);
    if (test !== undefined) this.#leases.delete(keyOf(plan, test));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#spares[Symbol.asyncDispose]();
    await this.#templates[Symbol.asyncDispose]();
  }

  /** Why the guest of a suite is gone, where it is: a moment is given to whoever is about to find out. */
  async lostReason(plan: SuitePlan, test?: string): Promise<GvmError | undefined> {
    const guest = await this.#leases.get(keyOf(plan, test))?.guest.catch(() => undefined);
    const lost = guest && (await Promise.race([guest.lost, pause(LOST_GRACE * guest.scale).then(() => undefined)]));
    if (guest && lost) await this.#guests.mourn(guest, lost);
    return lost;
  }

  async #boot(plan: SuitePlan, name: string, freezable: boolean): Promise<Guest> {
    const { describe, signal } = this.#options;
    const guest = await this.#guests.start(plan, {
      name,
      describe: async () => ({ ...(await describe(plan, name)), ...(freezable ? { freezable } : {}) }),
      // A shared guest waits for no place: it would keep it until suites have run that wait themselves.
      enter: async ({ machine }) =>
        plan.isolation === 'shared' ? () => {} : await this.#admission.enter(machine, signal),
    });
    await this.#guests.look(guest, 'ready');
    return guest;
  }

  /** A guest to be frozen: that in which a suite did its setup, which is no lease any more, or a new one. */
  async #take(plan: SuitePlan): Promise<Guest> {
    const own = plan.isolation === 'fork';
    const guest = await (own ? this.lease(plan) : this.#boot(plan, guestName(plan, ++this.#count), true));
    if (own) this.#leases.delete(keyOf(plan));
    await this.#guests.look(guest, 'release');
    await this.#guests.close(guest);
    return guest;
  }
}
