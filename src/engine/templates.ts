import { createHash } from 'node:crypto';
import { type Checkpoint, type CheckpointStore, checkpointKey, type Guest, type GuestSpec } from '../lab/index.ts';
import type { SuitePlan } from '../suite/index.ts';

export interface TemplateOptions {
  store: CheckpointStore;
  accelerator: 'kvm' | 'tcg';
  /** The name of the run: what a suite's setup has prepared serves this run alone. */
  run: string;
  describe(plan: SuitePlan, guest: string): Promise<GuestSpec>;
  /** A guest to be frozen: the one that a suite has booted for its setup, or one that boots now. */
  take(plan: SuitePlan): Promise<Guest>;
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

/** The checkpoints of a run: one for each suite that forks, from the store where it has been made before. */
export class Templates implements AsyncDisposable {
  readonly #options: TemplateOptions;
  readonly #known = new Map<string, Promise<Template>>();
  readonly #made = new Map<string, Promise<Checkpoint>>();
  readonly #retries = new Map<string, number>();
  readonly #prepared: string[] = [];

  constructor(options: TemplateOptions) {
    this.#options = options;
  }

  /** @throws GvmError why its guest did not become ready, or could not be frozen */
  of(plan: SuitePlan): Promise<Template> {
    const known = this.#known.get(plan.key) ?? this.#find(plan);
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

  async #find(plan: SuitePlan): Promise<Template> {
    const { accelerator, run, describe, signal } = this.#options;
    const spec = await describe(plan, 'template');
    const prepared = isPrepared(plan);
    let key = await checkpointKey(spec, accelerator, signal);
    if (prepared) {
      key = createHash('sha256')
        .update(JSON.stringify([key, run, plan.key]))
        .digest('hex');
      this.#prepared.push(key);
    }
    // Cells that describe the same guest have one checkpoint, and one of them boots it.
    const made = this.#made.get(key) ?? this.#findOrMake(plan, key);
    this.#made.set(key, made);
    made.catch(() => this.#made.delete(key));
    return { spec, checkpoint: await made };
  }

  async #findOrMake(plan: SuitePlan, key: string): Promise<Checkpoint> {
    const { store, take, leave, signal } = this.#options;
    const found = await store.find(key, signal);
    if (found) return found;
    const guest = await take(plan);
    try {
      const { image, machine } = guest.spec;
      const about = {
        ...{ key, image: image.name, guest: guest.name, memory: machine.memory },
        ...{ bootMs: guest.boot.readyMs ?? 0 },
        ...(guest.ssh ? { hostKey: guest.ssh.hostKey } : {}),
      };
      return await store.make(about, (folder) => guest.freeze(folder, signal), signal);
    } finally {
      await leave(guest);
    }
  }

  /** Removes what serves no other run, and lets go of the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { store } = this.#options;
    for (const key of this.#prepared) await store.remove(key);
    store[Symbol.dispose]();
  }
}

/** Whether a setup is done before a guest is frozen. */
function isPrepared({ isolation, tests }: SuitePlan): boolean {
  return isolation === 'fork' && tests.some(({ role }) => role === 'setup');
}
