import { monotonic } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { SshAddress } from '../guest/index.ts';
import type { BrokerHandlers } from './broker.ts';
import type { Guest } from './guest.ts';
import type { Lab } from './lab.ts';

/** What an owner tells other commands about one of its guests. */
export interface GuestInfo {
  name: string;
  image: string;
  pid: number;
  /** None where it is entered over the console channel alone. */
  ssh: SshAddress | null;
  scale: number;
  upMs: number;
}

/**
 * The broker's methods for other commands: `info` and `stop`.
 * @param stopped called when a guest was powered off because another command asked for it
 */
export function controlHandlers(lab: Lab, stopped: (guest: Guest) => void): BrokerHandlers {
  return {
    async info(): Promise<GuestInfo[]> {
      return lab.guests.map(describe);
    },
    async stop(params): Promise<{ how: string }> {
      const name = (params as { guest?: unknown } | null)?.guest;
      const guest = lab.guests.find((g) => g.name === name);
      if (!guest) throw new GvmError({ code: 'guest-unknown', message: `no guest called ${String(name)} runs here` });
      const how = await guest.powerOff();
      stopped(guest);
      return { how };
    },
  };
}

function describe({ name, spec, pid, ssh, scale, startedAt }: Guest): GuestInfo {
  return { name, image: spec.image.name, pid, ssh: ssh ?? null, scale, upMs: monotonic() - startedAt };
}
