import { clip, formatSize, printable } from '../core/index.ts';
import type { Channel } from '../guest/index.ts';
import type { NeedsDocument } from '../schema/index.ts';
import type { Conditions, Xfail } from './plan.ts';

/** What is known of a guest's machine without asking the guest. */
export interface GuestPlace {
  arch: string;
  /** Bytes. */
  memory: number;
  network: 'none' | 'restricted' | 'internet';
  accelerator: 'kvm' | 'tcg';
}

export interface ConditionContext {
  channel: Pick<Channel, 'exec'>;
  place: GuestPlace;
  signal: AbortSignal;
  /** Milliseconds for one question. */
  timeout: number;
}

/** Why a test or a check is not run; undefined where it is. @throws GvmError of the channel */
export async function whyNot(conditions: Conditions, context: ConditionContext): Promise<string | undefined> {
  const { skip, needs = [], onlyIf } = conditions;
  if (skip !== undefined) return skip;
  for (const part of needs) {
    const missing = unmet(part, context.place) ?? (await missingTool(part, context));
    if (missing !== undefined) return missing;
  }
  if (onlyIf === undefined) return undefined;
  const { channel, timeout, signal } = context;
  const { exitCode } = await channel.exec(onlyIf, { timeout, signal, maxOutput: 0 });
  if (exitCode === 0) return undefined;
  return `only_if: ${clip(printable(onlyIf), 200)} ${exitCode === null ? 'was ended by a signal' : `exited with ${exitCode}`}`;
}

/** What a machine lacks of what is needed. Pure. */
export function unmet({ arch, memory, network, kvm }: NeedsDocument, place: GuestPlace): string | undefined {
  if (arch !== undefined && arch !== place.arch) return `needs arch ${arch}: the guest is ${place.arch}`;
  if (memory !== undefined && memory > place.memory)
    return `needs ${formatSize(memory)} of memory: the guest has ${formatSize(place.memory)}`;
  if (network !== undefined && !(place.network === 'internet' || network === place.network))
    return `needs network ${network}: the guest's is ${place.network}`;
  if (kvm && place.accelerator !== 'kvm') return 'needs kvm: the guest runs under TCG';
  return undefined;
}

async function missingTool({ tool }: NeedsDocument, context: ConditionContext): Promise<string | undefined> {
  if (tool === undefined) return undefined;
  const { channel, timeout, signal } = context;
  const names = Array.isArray(tool) ? tool : [tool];
  // Their schema lets no character of the shell through.
  const script = `PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin; for t in ${names.join(' ')}; do command -v "$t" > /dev/null || echo "$t"; done`;
  const { stdout } = await channel.exec(script, { timeout, signal });
  const missing = names.filter((name) => stdout.toString('utf8').split('\n').includes(name));
  return missing.length === 0 ? undefined : `needs tool ${missing.join(', ')}: the guest has no such program`;
}

/** Whether a known failure still counts as known: through the whole last day. */
export function stillKnown({ until }: Xfail, today: Date): boolean {
  return until === undefined || until >= today.toISOString().slice(0, 10);
}

/** A known failure in words. */
export function xfailText({ reason, tracker }: Xfail): string {
  return tracker === undefined ? reason : `${reason} (${tracker})`;
}
