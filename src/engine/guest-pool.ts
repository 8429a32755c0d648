import { monotonic, pause } from '../core/index.ts';
import { type GvmError, isGvmError } from '../errors/index.ts';
import type { CheckpointStore, Guest, GuestSpec, Lab } from '../lab/index.ts';
import { type ProgressEvent, postMortemText } from '../report/index.ts';
import type { GuestRecord, HealthFinding, RebootRecord } from '../schema/index.ts';
import type { SuitePlan } from '../suite/index.ts';

import { Admission, type AdmissionLimits } from './admission.ts';
import { guestName, keyOf } from './guest-names.ts';
import { failedBoot, givenKernel, newRecord, pictureOf, readyBoot } from './records.ts';
import { Templates } from './templates.ts';

export interface PoolOptions {
  lab: Lab;
  checkpoints: CheckpointStore;
  limits: AdmissionLimits;
  describe(plan: SuitePlan, guest: string): Promise<GuestSpec>;
  /** Whether the one guest of a suite file is a fork as well, of a guest that was just booted. */
  forksFile(plan: SuitePlan): boolean;
  /** The look at a guest's health, once at ready and once before release. */
  examine(guest: Guest, when: 'ready' | 'release'): Promise<Examination>;
  /** Copies a console log to the reports. @returns its path there */
  saveConsole(guest: string, log: string): Promise<string | undefined>;
  /** What the disk of a dead guest shows; undefined where it cannot be read. */
  autopsy(spec: GuestSpec, overlay: string, began: number): Promise<GuestRecord['postMortem']>;
  /** Copies a picture of a screen to the reports. @returns its path there */
  savePicture(guest: string, picture: string): Promise<string | undefined>;
  emit(event: ProgressEvent): void;
  signal: AbortSignal;
}

/** What a look at a guest brought. */
export interface Examination {
  findings: HealthFinding[];
  /** The release of its kernel. */
  kernel: string | undefined;
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
 * The guests of a run. Each suite file leases one; with `isolation: shared` all files that describe the same guest
 * lease the same one, with `isolation: fork` each test has a fork of its file's. Guests belong to this process, never to
 * a worker.
 */
export class GuestPool implements AsyncDisposable {
  readonly records: GuestRecord[] = [];
  readonly #options: PoolOptions;
  readonly #admission: Admission;
  readonly #leases = new Map<string, Lease>();
  /** Gives back the place of a guest, by its name. */
  readonly #places = new Map<string, () => void>();
  readonly #keys: ReadonlyMap<string, string>;
  readonly #templates: Templates;
  #count = 0;

  constructor(plans: readonly SuitePlan[], options: PoolOptions) {
    this.#options = options;
    this.#admission = new Admission(options.limits);
    this.#keys = new Map(plans.map((plan) => [plan.key, keyOf(plan)]));
    const { lab, checkpoints: store, describe, signal } = options;
    const take = (plan: SuitePlan) => this.#take(plan);
    const leave = (guest: Guest) => this.#end(guest);
    const { accelerator, run } = lab;
    this.#templates = new Templates({ store, accelerator, run, describe, take, leave, signal });
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
    const name = guestName(plan, ++this.#count);
    const forks = test !== undefined || (plan.isolation === 'file' && this.#options.forksFile(plan));
    const guest = forks ? this.#fork(plan, name) : this.#boot(plan, name, plan.isolation === 'fork');
    guest.catch(() => {});
    return { name, guest };
  }

  /** Boots another guest in the place of one that is gone or never became ready; one that lives stays. */
  async renew(plan: SuitePlan, test?: string): Promise<void> {
    const lease = this.#leases.get(keyOf(plan, test));
    if (!lease) return;
    const { name, guest: before } = lease;
    const guest = await before.catch(() => undefined);
    if (guest && !(await Promise.race([guest.lost, undefined]))) return;
    // Another suite that shares the guest may have been quicker.
    if (lease.guest !== before) return;
    Object.assign(lease, this.#begin(plan, test));
    const record = this.records.find((r) => r.name === name);
    if (record) record.replaced = true;
    if (!guest) return;
    await this.#close(guest);
    await this.#end(guest);
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
    const own = this.records.find((r) => r.name === guest.name);
    const keep = (record: RebootRecord) => own && Object.assign(own, { reboots: [...(own.reboots ?? []), record] });
    try {
      const record = await guest[how](wait);
      keep(record);
      this.#options.emit({ kind: 'guest-restarted', guest: guest.name, record });
      await this.#look(guest, 'ready');
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
    await this.#look(guest, 'release');
    await this.#close(guest);
    await this.#end(guest);
    if (test !== undefined) this.#leases.delete(keyOf(plan, test));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#templates[Symbol.asyncDispose]();
  }

  /** Why the guest of a suite is gone, where it is: a moment is given to whoever is about to find out. */
  async lostReason(plan: SuitePlan, test?: string): Promise<GvmError | undefined> {
    const guest = await this.#leases.get(keyOf(plan, test))?.guest.catch(() => undefined);
    const lost = guest && (await Promise.race([guest.lost, pause(LOST_GRACE * guest.scale).then(() => undefined)]));
    const record = this.records.find((r) => r.name === guest?.name);
    if (lost && record && record.kept === undefined) await this.#keepLost(guest, record);
    if (lost && record) noteOn(lost, record);
    return lost;
  }

  /** Ends a guest and gives its place back. */
  async #end(guest: Guest): Promise<void> {
    await guest[Symbol.asyncDispose]();
    this.#places.get(guest.name)?.();
  }

  async #boot(plan: SuitePlan, name: string, freezable: boolean): Promise<Guest> {
    const described = async () => await this.#options.describe(plan, name);
    const guest = await this.#start(plan, name, async () => ({
      ...(await described()),
      ...(freezable ? { freezable } : {}),
    }));
    await this.#look(guest, 'ready');
    return guest;
  }

  async #fork(plan: SuitePlan, name: string): Promise<Guest> {
    return await this.#start(plan, name, async () => {
      const { spec, checkpoint } = await this.#templates.of(plan);
      return { ...spec, name, checkpoint };
    });
  }

  /** A guest to be frozen: that in which a suite did its setup, which is no lease any more, or a new one. */
  async #take(plan: SuitePlan): Promise<Guest> {
    const own = plan.isolation === 'fork';
    const guest = await (own ? this.lease(plan) : this.#boot(plan, guestName(plan, ++this.#count), true));
    if (own) this.#leases.delete(keyOf(plan));
    await this.#look(guest, 'release');
    await this.#close(guest);
    return guest;
  }

  async #start(plan: SuitePlan, name: string, described: () => Promise<GuestSpec>): Promise<Guest> {
    const { lab, emit, signal } = this.#options;
    const record = newRecord(name, plan.cell?.image ?? plan.image ?? 'default', plan.cell?.name);
    this.records.push(record);
    let spec: GuestSpec | undefined;
    const began = Date.now();
    try {
      spec = await described();
      if (spec.checkpoint) record.checkpoint = spec.checkpoint.manifest.key;
      Object.assign(record, {
        image: { name: spec.image.name, digest: spec.image.digest },
        machine: { ...spec.machine },
        ...(spec.kernel === undefined ? {} : { kernelGiven: givenKernel(spec.kernel) }),
      });
      // A shared guest waits for no place: it would keep it until suites have run that wait themselves.
      if (plan.isolation !== 'shared') this.#places.set(name, await this.#admission.enter(spec.machine.memory, signal));
      emit({ kind: 'guest-starting', guest: name, image: spec.image.name, fork: spec.checkpoint !== undefined });
      const guest = await lab.start(spec, {
        signal,
        onProgress: ({ stage, atMs }) => emit({ kind: 'guest-stage', guest: name, stage, atMs }),
      });
      Object.assign(record, readyBoot(guest));
      emit({ kind: 'guest-ready', guest: name, record });
      return guest;
    } catch (error) {
      this.#places.get(name)?.();
      record.boot = failedBoot(error, signal);
      // What the host is to blame for leaves nothing in the guest to look at.
      const own = record.boot.outcome !== 'cancelled' && record.boot.blame !== 'host';
      if (spec && own) await this.#keep(spec, record, began);
      noteOn(error, record);
      const picture = pictureOf(error);
      const saved = picture && (await this.#options.savePicture(name, picture));
      if (saved) record.picture = saved;
      emit({ kind: 'guest-failed', guest: name, record });
      throw error;
    }
  }

  async #look(guest: Guest, when: 'ready' | 'release'): Promise<void> {
    const record = this.records.find((r) => r.name === guest.name);
    const { findings, kernel } = await this.#options.examine(guest, when);
    if (record && kernel !== undefined) record.kernel = kernel;
    for (const finding of findings) {
      if (record?.health.some((known) => known.message === finding.message)) continue;
      record?.health.push(finding);
      this.#options.emit({ kind: 'health', guest: guest.name, finding });
    }
  }

  /** The last thing before a guest goes: its console is saved, and one that was lost is kept whole. */
  async #close(guest: Guest): Promise<void> {
    const record = this.records.find((r) => r.name === guest.name);
    if (!record) return;
    if (await Promise.race([guest.lost, undefined])) await this.#keepLost(guest, record);
    else await this.#save(record, guest.consoleLog);
  }

  /** QEMU may still stand there with the disk in its hands. */
  async #keepLost(guest: Guest, record: GuestRecord): Promise<void> {
    await guest.kill();
    await this.#keep(guest.spec, record, Date.now() - (monotonic() - guest.startedAt));
  }

  /** A guest that died is kept, and its disk examined once. */
  async #keep(spec: GuestSpec, record: GuestRecord, began: number): Promise<void> {
    const kept = this.#options.lab.keep(spec);
    const first = record.kept === undefined;
    record.kept = kept.reopen;
    const found = first ? await this.#options.autopsy(spec, kept.overlay, began) : undefined;
    if (found) record.postMortem = found;
    await this.#save(record, kept.consoleLog);
  }

  async #save(record: GuestRecord, log: string): Promise<void> {
    const saved = await this.#options.saveConsole(record.name, log);
    if (saved !== undefined) record.console = saved;
  }
}

/** An error of a dead guest carries what its disk shows to wherever it is told. */
function noteOn(error: unknown, { postMortem }: GuestRecord): void {
  if (postMortem && isGvmError(error)) error.details.notes = postMortemText(postMortem);
}
