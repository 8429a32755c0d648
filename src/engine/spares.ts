import type { Guest, GuestSpec } from '../lab/index.ts';
import { hasMilestones, type SuitePlan } from '../suite/index.ts';
import type { Admission, Demand, SparePlace } from './admission.ts';
import type { RunGuests } from './run-guests.ts';
import type { Template, Templates } from './templates.ts';

export interface SparesOptions {
  admission: Admission;
  guests: RunGuests;
  templates: Templates;
  /** A name for the next guest of a suite. */
  name(plan: SuitePlan): string;
  signal: AbortSignal;
}

interface Named {
  name: string;
  guest: Promise<Guest>;
}

export interface ForkOptions {
  /** What it goes on from: by default what the tests of its suite fork from. */
  from?: () => Promise<Template>;
  /** Whether it can be frozen in its turn. */
  freezable?: boolean;
  /** Whether it has an identity of its own where its suite asks for one; else that of the guest that was frozen. */
  renamed?: boolean;
}

/**
 * The forks of a run. While a test runs, the fork for the next one of its suite is made ready, where the host has memory
 * for it: waking a guest takes most of a test's time.
 */
export class Spares implements AsyncDisposable {
  readonly #options: SparesOptions;
  /** What waits for the next test of a suite. */
  readonly #spares = new Map<string, Named & { place: SparePlace }>();
  /** The tests of a suite that have had a guest. */
  readonly #begun = new Map<string, Set<string>>();

  constructor(options: SparesOptions) {
    this.#options = options;
  }

  /** The fork for a test, and a spare one for the test after it. */
  take(plan: SuitePlan, test: string): Named {
    const begun = this.#begun.get(plan.key) ?? new Set();
    this.#begun.set(plan.key, begun.add(test));
    const taken = this.#enter(plan) ?? this.#new(plan);
    const left = plan.tests.some(({ id, role }) => role === undefined && !begun.has(id));
    taken.guest.then(() => (left ? this.#prepare(plan) : undefined)).catch(() => {});
    return taken;
  }

  /** A fork that takes a place among the guests that run. */
  async fork(plan: SuitePlan, name: string, options: ForkOptions = {}): Promise<Guest> {
    const { admission, signal } = this.#options;
    return await this.#start(plan, name, (machine) => admission.enter(machine, signal), options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#spares.keys()].map((key) => this.#drop(key)));
  }

  #new(plan: SuitePlan): Named {
    const name = this.#options.name(plan);
    return { name, guest: this.fork(plan, name) };
  }

  #enter(plan: SuitePlan): Named | undefined {
    const spare = this.#spares.get(plan.key);
    if (!spare) return undefined;
    this.#spares.delete(plan.key);
    const { name, guest, place } = spare;
    return { name, guest: place.enter(this.#options.signal).then(() => guest) };
  }

  async #prepare(plan: SuitePlan): Promise<void> {
    const { templates, admission, signal } = this.#options;
    const { spec } = await templates.of(plan);
    if (signal.aborted || this.#spares.has(plan.key)) return;
    const place = admission.spare(spec.machine, () => void this.#drop(plan.key));
    if (!place) return;
    const name = this.#options.name(plan);
    const guest = this.#start(plan, name, async () => () => place.leave());
    guest.catch(() => {});
    this.#spares.set(plan.key, { name, guest, place });
  }

  #start(
    plan: SuitePlan,
    name: string,
    enter: (machine: Demand) => Promise<() => void>,
    { from, freezable = hasMilestones(plan), renamed = true }: ForkOptions = {},
  ): Promise<Guest> {
    const describe = async (): Promise<GuestSpec> => {
      const { spec: frozen, checkpoint } = await (from?.() ?? this.#options.templates.of(plan));
      const { freezable: _, ...spec } = frozen;
      // One that has logged in is enough for the image; the console channel spares the others the handshake.
      const channel = plan.channel === 'auto' && checkpoint.manifest.console ? 'console' : spec.channel;
      const identity = renamed ? plan.identity : undefined;
      return {
        ...{ ...spec, name, channel, checkpoint },
        ...(freezable ? { freezable } : {}),
        ...(identity === undefined ? {} : { identity }),
      };
    };
    return this.#options.guests.start(plan, { name, describe, enter: ({ machine }) => enter(machine) });
  }

  async #drop(key: string): Promise<void> {
    const spare = this.#spares.get(key);
    this.#spares.delete(key);
    if (spare) await this.#options.guests.forget(spare.name, await spare.guest.catch(() => undefined));
  }
}
