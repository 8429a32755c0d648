import { monotonic } from '../core/index.ts';
import { isGvmError } from '../errors/index.ts';
import type { Guest, GuestSpec, Lab } from '../lab/index.ts';
import { type ProgressEvent, postMortemText } from '../report/index.ts';
import type { GuestRecord, HealthFinding } from '../schema/index.ts';
import type { SuitePlan } from '../suite/index.ts';
import { failedBoot, givenKernel, newRecord, pictureOf, readyBoot } from './records.ts';

export interface RunGuestsOptions {
  lab: Lab;
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

/** A guest that is to be started: its description, and a place among those that run. */
export interface Start {
  name: string;
  describe(): Promise<GuestSpec>;
  /** Waits for a place. @returns what gives it back */
  enter(spec: GuestSpec): Promise<() => void>;
}

/** The guests of a run from their start to their end, with what the run's record keeps of them. */
export class RunGuests {
  readonly records: GuestRecord[] = [];
  readonly #options: RunGuestsOptions;
  /** Gives back the place of a guest, by its name. */
  readonly #places = new Map<string, () => void>();
  /** The names of those that died. */
  readonly #kept = new Set<string>();

  constructor(options: RunGuestsOptions) {
    this.#options = options;
  }

  recordOf(name: string): GuestRecord | undefined {
    return this.records.find((record) => record.name === name);
  }

  /** @throws GvmError the reason why it never became ready; its record keeps it */
  async start(plan: SuitePlan, { name, describe, enter }: Start): Promise<Guest> {
    const { lab, emit, signal } = this.#options;
    const record = newRecord(name, plan.cell?.image ?? plan.image ?? 'default', plan.cell?.name);
    this.records.push(record);
    let spec: GuestSpec | undefined;
    const began = Date.now();
    try {
      spec = await describe();
      if (spec.checkpoint) record.checkpoint = spec.checkpoint.manifest.key;
      Object.assign(record, {
        image: { name: spec.image.name, digest: spec.image.digest },
        machine: { ...spec.machine },
        ...(spec.kernel === undefined ? {} : { kernelGiven: givenKernel(spec.kernel) }),
      });
      this.#places.set(name, await enter(spec));
      emit({ kind: 'guest-starting', guest: name, image: spec.image.name, fork: spec.checkpoint !== undefined });
      const guest = await lab.start(spec, {
        signal,
        onProgress: ({ stage, atMs }) => emit({ kind: 'guest-stage', guest: name, stage, atMs }),
      });
      Object.assign(record, readyBoot(guest));
      emit({ kind: 'guest-ready', guest: name, record });
      return guest;
    } catch (error) {
      this.#leave(name);
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

  async look(guest: Guest, when: 'ready' | 'release'): Promise<void> {
    const record = this.recordOf(guest.name);
    const { findings, kernel } = await this.#options.examine(guest, when);
    if (record && kernel !== undefined) record.kernel = kernel;
    for (const finding of findings) {
      if (record?.health.some((known) => known.message === finding.message)) continue;
      record?.health.push(finding);
      this.#options.emit({ kind: 'health', guest: guest.name, finding });
    }
  }

  /** The last thing before a guest goes: its console is saved, and one that was lost is kept whole. */
  async close(guest: Guest): Promise<void> {
    const record = this.recordOf(guest.name);
    if (!record) return;
    if (await Promise.race([guest.lost, undefined])) await this.#keepLost(guest, record);
    else await this.#save(record, guest.consoleLog);
  }

  /** Ends a guest and gives its place back. */
  async end(guest: Guest): Promise<void> {
    await guest[Symbol.asyncDispose]();
    this.#leave(guest.name);
  }

  /** Takes a guest that no test has seen out of the record, and ends it. */
  async forget(name: string, guest: Guest | undefined): Promise<void> {
    if (guest) await this.end(guest);
    const at = this.records.findIndex((record) => record.name === name);
    if (at >= 0) this.records.splice(at, 1);
  }

  /** What became known of a guest that was lost is put into its record and beside the error. */
  async mourn(guest: Guest, lost: unknown): Promise<void> {
    const record = this.recordOf(guest.name);
    if (!record) return;
    if (!this.#kept.has(record.name)) await this.#keepLost(guest, record);
    noteOn(lost, record);
  }

  #leave(name: string): void {
    this.#places.get(name)?.();
    this.#places.delete(name);
  }

  /** QEMU may still stand there with the disk in its hands. */
  async #keepLost(guest: Guest, record: GuestRecord): Promise<void> {
    await guest.kill();
    await this.#keep(guest.spec, record, Date.now() - (monotonic() - guest.startedAt));
  }

  /** A guest that died is kept, and its disk examined once. */
  async #keep(spec: GuestSpec, record: GuestRecord, began: number): Promise<void> {
    const kept = this.#options.lab.keep(spec);
    const first = !this.#kept.has(record.name);
    this.#kept.add(record.name);
    // What a setup or a milestone has frozen, and a fork's disk lies on, is gone after the run.
    if (!spec.checkpoint?.held) record.kept = kept.reopen;
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
