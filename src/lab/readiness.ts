import { clip, monotonic, pause, printable } from '../core/index.ts';
import { GvmError, isGvmError } from '../errors/index.ts';
import { awaitBanner, type Channel, logIn, type SshAddress } from '../guest/index.ts';
import type { Machine } from '../machine/index.ts';
import type { BootWatch } from './boot-watch.ts';
import { reachesGuest } from './probes.ts';
import { ANSWERED, LACKS, SETTLED } from './settling.ts';
import type { GuestSpec } from './spec.ts';

/** Milliseconds before scaling: one login, and how long a refused key may still come into the guest. */
const LOGIN = 20_000;
const REFUSED = 10_000;
const REFUSED_PAUSE = 500;

export interface ReadyGuest {
  channel: Channel;
  /** Where to log in, for a guest whose SSH server is known. */
  address: SshAddress | undefined;
  /** Monotonic milliseconds at which a command was answered, and at which init had settled as well. */
  answeredAt: number;
  settledAt: number;
}

export interface ReadinessOptions {
  spec: GuestSpec;
  machine: Machine;
  /** The channel over virtio-serial ports. */
  console: Channel;
  watch: BootWatch;
  keyPath: string;
  /** What is run in it first: it says `ANSWERED`, then `SETTLED` as its last line once the guest has settled. */
  script: () => string;
  /** The pinned host key; without it the first one seen is pinned. */
  hostKey?: string | undefined;
  scale: number;
  /** Ends the wait: whoever races it has lost hope, or patience. */
  signal: AbortSignal;
  /** Told what is being waited for, for the message at a deadline. */
  onState: (state: string) => void;
}

/**
 * Waits until a guest answers a command and its init has settled.
 * @throws GvmError `login-refused`, `usage` (no network to log in by); or the signal's reason
 */
export function becomeReady(options: ReadinessOptions): Promise<ReadyGuest> {
  return options.spec.channel === 'console' ? overConsole(options) : overSsh(options);
}

/** The responder greets when it is there; one that restarts meanwhile is greeted again. */
async function overConsole(options: ReadinessOptions): Promise<ReadyGuest> {
  const { console, hostKey, signal, scale, onState, watch } = options;
  const address = hostKey === undefined ? undefined : { ...(await targetOf(options)), hostKey };
  onState('nothing answers at its console port');
  for (;;) {
    try {
      return await settle(console, address, options, () => {
        watch.reach = 'answered';
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!isGvmError(error) || error.code !== 'channel-closed') throw error;
      await pause(REFUSED_PAUSE * scale, signal);
    }
  }
}

/** It costs the guest little: connection attempts that its kernel answers alone, then one login, then one script. */
async function overSsh(options: ReadinessOptions): Promise<ReadyGuest> {
  const { spec, machine, watch, signal, scale } = options;
  const { port: guestPort } = spec.machine.login;
  const target = await targetOf(options);
  const { host, port } = target;
  let refusedSince: number | undefined;
  for (;;) {
    const socket = await awaitBanner({
      host,
      port,
      signal,
      reached: () => reachesGuest(machine, guestPort),
      onReach: (reach) => {
        watch.reach = reach;
      },
    });
    watch.reach = 'answered';
    watch.enter('ssh');
    options.onState('its SSH server answers, the login is not done');
    // Whoever lets nobody in after its boot is over will not change its mind.
    const { over } = watch;
    try {
      const { channel, hostKey } = await logIn({
        ...target,
        hostKey: options.hostKey,
        socket,
        timeout: LOGIN * scale,
        scale,
        signal,
      });
      return await settle(channel, { ...target, hostKey }, options).catch(async (error: unknown) => {
        await channel[Symbol.asyncDispose]();
        throw error;
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!isGvmError(error) || !mayPass(error.code)) throw error;
      if (error.code === 'login-refused') {
        refusedSince ??= monotonic();
        if (over || monotonic() - refusedSince > REFUSED * scale) throw error;
      }
      options.onState(error.message);
      await pause(REFUSED_PAUSE * scale, signal);
    }
  }
}

/** Where its SSH server is reached, and who logs in there. */
async function targetOf({ spec, machine, keyPath, signal }: ReadinessOptions): Promise<Omit<SshAddress, 'hostKey'>> {
  const { user, become, key, agent, passwordEnv } = spec.machine.login;
  const proof = passwordEnv !== undefined ? { passwordEnv } : agent ? { agent } : { keyPath: key ?? keyPath };
  return { host: '127.0.0.1', port: await machine.forwardedPort(signal), user, become, ...proof };
}

/** An SSH server that has just started may be restarted, and the key may come later than the server. */
function mayPass(code: string): boolean {
  return code === 'login-refused' || code === 'channel-closed' || code === 'deadline';
}

async function settle(
  channel: Channel,
  address: SshAddress | undefined,
  options: ReadinessOptions,
  onAnswer?: () => void,
): Promise<ReadyGuest> {
  const { script, signal, onState } = options;
  let answeredAt: number | undefined;
  const { stdout } = await channel.exec(script(), {
    timeout: Number.POSITIVE_INFINITY,
    direct: true,
    signal,
    onStdout: (chunk) => {
      if (answeredAt === undefined) onAnswer?.();
      answeredAt ??= monotonic();
      const last = chunk.toString('utf8').trim().split('\n').at(-1);
      onState(last === ANSWERED ? 'it answers commands, its init has not settled' : `it answers commands; ${last}`);
    },
  });
  const settledAt = monotonic();
  const last = stdout.toString('utf8').trimEnd().split('\n').at(-1) ?? '';
  if (last === SETTLED) return { channel, address, answeredAt: answeredAt ?? settledAt, settledAt };
  if (last.startsWith(LACKS)) {
    throw new GvmError({
      code: 'boot-failed',
      message: `the fork could not be given what must be its own: ${clip(printable(last.slice(LACKS.length + 1)), 300)}`,
      hint: 'change `identity` of the suite, or set isolation: file',
    });
  }
  throw new GvmError({ code: 'channel-closed', message: 'the shell that waited for init ended before it had settled' });
}
