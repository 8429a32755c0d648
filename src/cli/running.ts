import { nearest } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import { type Channel, openSsh, servedChannel } from '../guest/index.ts';
import { type BrokerClient, connectBroker, type GuestInfo, listOwners, reapRuns } from '../lab/index.ts';
import type { Context } from './command.ts';

/** A running guest, and the process that owns it. */
export interface RunningGuest extends GuestInfo {
  run: string;
  owner: number;
  /** The owner's sockets: for questions, for commands, for the serial console. */
  broker: string;
  channels: string;
  consoles: string;
}

/** Every ready guest of this user's gvm processes; what killed ones left behind is removed first. */
export async function runningGuests(context: Context): Promise<RunningGuest[]> {
  const state = await context.state();
  await reapRuns(state, context.log);
  const owners = listOwners(state.runtime);
  const lists = await Promise.all(
    owners.map(async ({ run, process, broker, channels, consoles }) => {
      const guests = await ask(broker, 'info').catch(() => []);
      return (guests as GuestInfo[]).map((guest) => ({
        ...guest,
        run,
        owner: process.pid,
        broker,
        channels,
        consoles,
      }));
    }),
  );
  return lists.flat();
}

/**
 * The guest that a word means; without a word the only one there is.
 * @throws GvmError `guest-unknown`
 */
export async function findGuest(context: Context, word: string | undefined): Promise<RunningGuest> {
  const guests = await runningGuests(context);
  const names = guests.map((guest) => guest.name);
  if (word === undefined) {
    const [only, ...others] = guests;
    if (only && others.length === 0) return only;
    throw new GvmError({
      code: 'guest-unknown',
      message: only ? `several guests run: ${names.join(', ')}; name one` : 'no guest runs',
      hint: only ? undefined : 'gvm boot IMAGE starts one',
    });
  }
  const found = guests.filter((guest) => guest.name === word || `${guest.run}/${guest.name}` === word);
  const [guest, second] = found;
  if (guest && !second) return guest;
  const guess = nearest(word, names);
  throw new GvmError({
    code: 'guest-unknown',
    message: second ? `several guests are called ${word}` : `no guest called ${word} runs`,
    hint: second
      ? `say which: ${found.map((g) => `${g.run}/${g.name}`).join(', ')}`
      : guess
        ? `did you mean ${guess}?`
        : 'gvm ps lists the guests',
  });
}

/** A channel into a running guest: SSH, else the console channel, which its owner serves. */
export async function enter({ name, ssh, scale, channels }: RunningGuest): Promise<Channel> {
  return ssh ? await openSsh(ssh, { scale }) : servedChannel(channels, name, 'console');
}

/** One request to an owner. */
export async function ask(broker: string, method: string, params?: unknown): Promise<unknown> {
  await using client: BrokerClient = await connectBroker(broker);
  return await client.call(method, params);
}
