import { createHash } from 'node:crypto';
import { type Checkpoint, type CheckpointStore, checkpointKey, type Guest, type GuestSpec } from '../lab/index.ts';
import type { SuitePlan } from '../suite/index.ts';

export interface TemplateOptions {
  store: CheckpointStore;
  accelerator: 'kvm' | 'tcg';
  /** The name of the run: what a suite's setup has prepared serves this run alone. */
  run: string;
  describe(plan: SuitePlan, guest: string): Promise<GuestSpec>;
  /** Boots a guest to be frozen. */
  boot(plan: SuitePlan): Promise<Guest>;
  /** The guest in which a suite has done its setup, to be frozen. */
  prepared(plan: SuitePlan): Promise<Guest>;
  /** Ends it, frozen or not. */
  leave(guest: Guest): Promise<void>;
  signal: AbortSignal;
}

/** What the tests of a suite fork from, or its one guest. */
export interface Template {
  spec: GuestSpec;
  checkpoint: Checkpoint;
}

/** How often one suite's is made again in a run. */
const RETRIES = 2;

/**
 * The checkpoints of a run: one for each suite that forks, from the store where it has been made before. A suite with a
 * setup does that in such a fork, which is frozen in its turn.
 */
export class Templates implements AsyncDisposable {
  readonly #options: TemplateOptions;
  readonly #known = new Map<string, Promise<Template>>();
  readonly #made = new Map<string, Promise<Checkpoint>>();
  readonly #retries = new Map<string, number>();
  /** What serves no other run. */
  readonly #held: Checkpoint[] = [];

  constructor(options: TemplateOptions) {
    this.#options = options;
  }

  /** @throws GvmError why its guest did not become ready, or could not be frozen */
  of(plan: SuitePlan): Promise<Template> {
    const known = this.#known.get(plan.key) ?? (isPrepared(plan) ? this.#prepare(plan) : this.base(plan));
    this.#known.set(plan.key, known);
    return known;
  }

  /** Lets one that could not be made be made again, a few times in a run. */
  async retry(plan: SuitePlan): Promise<void> {
    const known = this.#known.get(plan.key);
    const failed = await known?.then(
      () => false,
      () => true,
    );
    const retries = this.#retries.get(plan.key) ?? 0;
    // What a setup has prepared is gone with its guest.
    if (isPrepared(plan) || !failed || retries === RETRIES || this.#known.get(plan.key) !== known) return;
    this.#retries.set(plan.key, retries + 1);
    this.#known.delete(plan.key);
  }

  /** The guest of a suite as it was after its boot. @throws as `of` */
  async base(plan: SuitePlan): Promise<Template> {
    const { accelerator, describe, signal } = this.#options;
    const spec = await describe(plan, 'template');
    const key = await checkpointKey(spec, accelerator, signal);
    // Cells that describe the same guest have one checkpoint, and one of them boots it.
    const made = this.#made.get(key) ?? this.#findOrMake(plan, key);
    this.#made.set(key, made);
    made.catch(() => this.#made.delete(key));
    return { spec, checkpoint: await made };
  }

  /** Freezes a guest of this run, and ends it. @throws GvmError why that was not possible */
  async hold(guest: Guest): Promise<Template> {
    const { store, run, leave, signal } = this.#options;
    const { identity: _, ...spec } = guest.spec;
    const { checkpoint: parent } = spec;
    try {
      const key = createHash('sha256').update(`${run}/${guest.name}`).digest('hex');
      const held = await store.hold(aboutOf(guest, key), (folder) => guest.freeze(folder, signal));
      this.#held.push(held);
      return { spec, checkpoint: { ...held, ...(parent ? { parent } : {}) } };
    } finally {
      await leave(guest);
    }
  }

  async #prepare(plan: SuitePlan): Promise<Template> {
    return await this.hold(await this.#options.prepared(plan));
  }

  async #findOrMake(plan: SuitePlan, key: string): Promise<Checkpoint> {
    const { store, boot, leave, signal } = this.#options;
    const found = await store.find(key, signal);
    if (found) return found;
    const guest = await boot(plan);
    try {
      return await store.make(aboutOf(guest, key), (folder) => guest.freeze(folder, signal), signal);
    } finally {
      await leave(guest);
    }
  }

  /** Removes what serves no other run, and lets go of the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { store } = this.#options;
    for (const checkpoint of this.#held) await store.drop(checkpoint);
    store[Symbol.dispose]();
  }
}

function aboutOf({ name, spec: { image, machine }, boot, ssh }: Guest, key: string) {
  const about = { key, image: image.name, guest: name, memory: machine.memory, bootMs: boot.readyMs ?? 0 };
  return { ...about, ...(ssh ? { hostKey: ssh.hostKey } : {}) };
}

/** Whether a setup is done before a guest is frozen. */
function isPrepared({ isolation, tests }: SuitePlan): boolean {
  return isolation === 'fork' && tests.some(({ role }) => role === 'setup');
}
