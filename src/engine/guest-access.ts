import { type Channel, openSsh, servedChannel } from '../guest/index.ts';
import type { BrokerClient } from '../lab/index.ts';
import type { GuestControl, GuestPlace } from '../suite/index.ts';
import { fromRunError } from './failure.ts';
import type { LeaseAnswer, RestartAnswer, SuccessorAnswer, Way } from './leases.ts';

/** Who has a guest: a suite by its key, or one of its tests. */
export interface Lessee {
  suite: string;
  test?: string;
}

type Lease = Exclude<LeaseAnswer, { error: unknown }>;

/** @param channels the socket where the main process serves channels */
async function enter(
  channels: string,
  { guest, scale, served, address }: Pick<Lease, 'guest' | 'scale'> & Way,
  signal: AbortSignal,
): Promise<Channel> {
  return served || !address
    ? servedChannel(channels, guest, served ?? 'console')
    : await openSsh(address, { signal, scale });
}

/**
 * A worker's hands on the guest of its suite: one connection into it, which is another one after each boot, and the
 * guest's power and cables, which belong to the main process.
 */
export class GuestAccess implements GuestControl, AsyncDisposable {
  /** The name of the guest: another one after a milestone and after a rollback. */
  guest: string;
  readonly scale: number;
  readonly place: GuestPlace;
  /** How the guest booted the last time. */
  boot: Lease['boot'];
  /** The way into the guest, whatever connection it takes. */
  readonly channel: Pick<Channel, 'exec' | 'start'> = {
    exec: async (command, options) => (await this.#current).exec(command, options),
    start: async (command, options) => (await this.#current).start(command, options),
  };
  readonly #broker: BrokerClient;
  readonly #lessee: Lessee;
  readonly #retired: Channel[] = [];
  readonly #channels: string;
  #way: Way;
  #current: Promise<Channel>;
  #cut = false;

  private constructor(broker: BrokerClient, channels: string, lessee: Lessee, lease: Lease, channel: Channel) {
    this.#broker = broker;
    this.#channels = channels;
    this.#lessee = lessee;
    this.guest = lease.guest;
    this.scale = lease.scale;
    this.place = lease.place;
    this.boot = lease.boot;
    this.#way = lease;
    this.#current = Promise.resolve(channel);
  }

  /** Leases a guest and enters it. @throws GvmError why there is none, or no way into it */
  static async open(broker: BrokerClient, channels: string, lessee: Lessee, signal: AbortSignal): Promise<GuestAccess> {
    const answer = (await broker.call('lease', lessee, signal)) as LeaseAnswer;
    if ('error' in answer) throw fromRunError(answer.error);
    const channel = await enter(channels, answer, signal);
    return new GuestAccess(broker, channels, lessee, answer, channel);
  }

  async restart(
    how: 'reboot' | 'crash',
    { timeout, signal }: { timeout?: number; signal: AbortSignal },
  ): Promise<{ readyMs: number }> {
    const before = await this.#current;
    await before[Symbol.asyncDispose]();
    const answer = (await this.#broker.call('restart', { ...this.#lessee, how, timeout }, signal)) as RestartAnswer;
    if ('error' in answer) throw fromRunError(answer.error);
    this.#way = answer;
    this.boot = answer.boot;
    await this.#enter(signal);
    return { readyMs: answer.boot.readyMs ?? 0 };
  }

  async milestone(signal: AbortSignal): Promise<void> {
    await this.#succeed('milestone', signal);
  }

  async rollback(signal: AbortSignal): Promise<void> {
    await this.#succeed('rollback', signal);
  }

  /** Another guest goes on in the place of this one. */
  async #succeed(how: 'milestone' | 'rollback', signal: AbortSignal): Promise<void> {
    await this[Symbol.asyncDispose]();
    const answer = (await this.#broker.call(how, this.#lessee, signal)) as SuccessorAnswer;
    if ('error' in answer) throw fromRunError(answer.error);
    this.#retired.length = 0;
    this.#cut = false;
    this.#way = answer;
    this.guest = answer.guest;
    this.boot = answer.boot;
    await this.#enter(signal);
  }

  async network(up: boolean, signal: AbortSignal): Promise<void> {
    await this.#broker.call('network', { ...this.#lessee, up }, signal);
    this.#cut = !up;
    if (!up) return;
    // The connection from before may wait long for its next packet, and commands that were left on it still hold it.
    this.#retired.push(await this.#current);
    if (this.#way.address) this.#way = { ...this.#way, served: null };
    await this.#enter(signal);
  }

  /** Puts back what a test has cut. */
  async restore(signal: AbortSignal): Promise<void> {
    if (this.#cut) await this.network(true, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const current = await this.#current.catch(() => undefined);
    for (const channel of [...this.#retired, ...(current ? [current] : [])]) await channel[Symbol.asyncDispose]();
  }

  async #enter(signal: AbortSignal): Promise<void> {
    this.#current = enter(this.#channels, { guest: this.guest, scale: this.scale, ...this.#way }, signal);
    this.#current.catch(() => {});
    await this.#current;
  }
}
