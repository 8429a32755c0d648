import { monotonic, pause } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { CheckpointStore, Guest, GuestSpec } from '../lab/index.ts';
import type { GuestRecord, RebootRecord } from '../schema/index.ts';
import { hasMilestones, type SuitePlan } from '../suite/index.ts';

import { Admission, type AdmissionLimits } from './admission.ts';
import { guestName, keyOf } from './guest-names.ts';
import { failedBoot } from './records.ts';
import { RunGuests, type RunGuestsOptions } from './run-guests.ts';
import { type ForkOptions, Spares } from './spares.ts';
import { type Template, Templates } from './templates.ts';

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
  /** What its guest goes back to: the last one. Those before lie below. */
  milestones: Template[];
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
    const boot = (plan: SuitePlan) => this.#bootToFreeze(plan);
    const prepared = (plan: SuitePlan) => this.#takePrepared(plan);
    const leave = (guest: Guest) => this.#guests.end(guest);
    const { accelerator, run } = lab;
    this.#templates = new Templates({ store, accelerator, run, describe, boot, prepared, leave, signal });
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
      lease = { ...this.#begin(plan, test), users: new Set(test === undefined ? users : [plan.key]), milestones: [] };
      this.#leases.set(key, lease);
    }
    return lease.guest;
  }

  /** The name of the guest of a suite or of a test, also where it never became ready; none where nothing was started. */
  nameOf(plan: SuitePlan, test?: string): string | undefined {
    return this.#guests.recordOf(this.#leases.get(keyOf(plan, test))?.name ?? '')?.name;
  }

  #begin(plan: SuitePlan, test?: string): Pick<Lease, 'name' | 'guest'> {
    if (test !== undefined) return this.#spares.take(plan, test);
    const from = () => this.#templates.base(plan);
    // A setup is done in a fork that is frozen afterwards, for those of the tests.
    if (plan.isolation === 'fork') return this.#fork(plan, { from, freezable: true, renamed: false });
    if (plan.isolation === 'file' && this.#options.forksFile(plan)) return this.#fork(plan);
    const name = guestName(plan, ++this.#count);
    const guest = this.#boot(plan, name, hasMilestones(plan));
    guest.catch(() => {});
    return { name, guest };
  }

  #fork(plan: SuitePlan, options?: ForkOptions): Pick<Lease, 'name' | 'guest'> {
    const name = guestName(plan, ++this.#count);
    const guest = this.#spares.fork(plan, name, options);
    guest.catch(() => {});
    return { name, guest };
  }

  /**
   * Freezes the guest of a suite or of a test as it is, and goes on in a fork of it.
   * @throws GvmError why it could not be frozen, or the fork did not become ready
   */
  async milestone(plan: SuitePlan, test: string | undefined): Promise<Guest> {
    const guest = await this.lease(plan, test);
    await this.#farewell(guest);
    const milestone = await this.#templates.hold(guest);
    this.#leases.get(keyOf(plan, test))?.milestones.push(milestone);
    return await this.#goOn(plan, test);
  }

  /**
   * Throws the guest of a suite or of a test away, and goes on in a fork of its last milestone; a test that has a fork for
   * itself and no milestone begins anew. @throws GvmError `usage` where there is none; why the fork did not become ready
   */
  async rollback(plan: SuitePlan, test: string | undefined): Promise<Guest> {
    if (test === undefined && !this.#leases.get(keyOf(plan))?.milestones.length) {
      const message = 'there is nothing to roll back to: no step with `milestone: true` was reached before';
      throw new GvmError({ code: 'usage', message, hint: 'mark the step after which the guest is to be kept' });
    }
    const guest = await this.lease(plan, test);
    await this.#farewell(guest);
    await this.#guests.end(guest);
    return await this.#goOn(plan, test);
  }

  /** Puts a fork in the place of a guest that has been ended. */
  async #goOn(plan: SuitePlan, test: string | undefined): Promise<Guest> {
    const lease = this.#leases.get(keyOf(plan, test));
    const milestone = lease?.milestones.at(-1);
    const next = this.#fork(plan, milestone && { from: async () => milestone, freezable: true, renamed: false });
    if (lease) Object.assign(lease, next);
    return await next.guest;
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
    await this.#farewell(guest);
    await this.#guests.end(guest);
    for (const { checkpoint } of lease.milestones.splice(0)) await this.#options.checkpoints.drop(checkpoint);
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

  async #bootToFreeze(plan: SuitePlan): Promise<Guest> {
    const guest = await this.#boot(plan, guestName(plan, ++this.#count), true);
    await this.#farewell(guest);
    return guest;
  }

  /** The guest in which a suite did its setup; it is no lease any more. */
  async #takePrepared(plan: SuitePlan): Promise<Guest> {
    const guest = await this.lease(plan);
    this.#leases.delete(keyOf(plan));
    await this.#farewell(guest);
    return guest;
  }

  /** The last look at a guest that is about to end. */
  async #farewell(guest: Guest): Promise<void> {
    await this.#guests.look(guest, 'release');
    await this.#guests.close(guest);
  }
}
