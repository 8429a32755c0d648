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

/** The checkpoints of a run: one for each suite that forks, from the store where it has been made before. */
export class Templates implements AsyncDisposable {
  readonly #options: TemplateOptions;
  readonly #known = new Map<string, Promise<Template>>();
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

  async #find(plan: SuitePlan): Promise<Template> {
    const { store, accelerator, run, describe, take, leave, signal } = this.#options;
    const spec = await describe(plan, 'template');
    const prepared = plan.isolation === 'fork' && plan.tests.some((test) => test.role === 'setup');
    let key = await checkpointKey(spec, accelerator, signal);
    if (prepared) {
      key = createHash('sha256')
        .update(JSON.stringify([key, run, plan.key]))
        .digest('hex');
      this.#prepared.push(key);
    }
    const found = await store.find(key, signal);
    if (found) return { spec, checkpoint: found };
    const guest = await take(plan);
    try {
      const { image, machine } = guest.spec;
      const about = {
        ...{ key, image: image.name, guest: guest.name, memory: machine.memory },
        ...{ bootMs: guest.boot.readyMs ?? 0 },
        ...(guest.ssh ? { hostKey: guest.ssh.hostKey } : {}),
      };
      return { spec, checkpoint: await store.make(about, (folder) => guest.freeze(folder, signal), signal) };
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
