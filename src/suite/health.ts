import { clip, pause, printable } from '../core/index.ts';
import { type Answer, type CoredumpValue, type CrashedValue, collect, type KernelValue } from '../facts/index.ts';
import type { Channel, ConsoleFinding } from '../guest/index.ts';
import type { Allowance, HealthFinding } from '../schema/index.ts';
import type { Registry } from './check.ts';
import { deathsOf } from './checks/coredump.ts';

// What is looked for on every boot, unasked: what the console showed, crashed services, programs that
// died by a fault, a tainted kernel.

/** The part of the time for an answer that passes before the second look. */
const SECOND_LOOK = 0.05;

export interface HealthOptions {
  when: HealthFinding['when'];
  allow: readonly Allowance[];
  /** The day by which allow-list entries are held against their `until`. */
  today: Date;
}

/** What a look into the guest brought, not yet judged. */
export interface HealthFacts {
  crashed: Answer;
  coredump: Answer;
  kernel: Answer;
}

/**
 * Asks the guest for what health is judged by, in one round trip. A daemon writes its pid file a moment after its
 * service counts as started: what has crashed is asked a second time and only then believed.
 */
export async function askHealth(
  channel: Pick<Channel, 'exec'>,
  registry: Registry,
  { timeout, signal }: { timeout: number; signal: AbortSignal },
): Promise<HealthFacts> {
  const look = async (): Promise<HealthFacts> => {
    const options = { facts: registry.facts, channel, signal, timeout };
    const [crashed, coredump, kernel] = await collect(
      [
        { fact: 'crashed', args: {} },
        { fact: 'coredump', args: {} },
        { fact: 'kernel', args: {} },
      ],
      options,
    );
    const none: Answer = { diagnostics: [] };
    return { crashed: crashed ?? none, coredump: coredump ?? none, kernel: kernel ?? none };
  };
  const first = await look();
  if ((first.crashed.value as CrashedValue | undefined)?.crashed.length === 0) return first;
  await pause(timeout * SECOND_LOOK, signal);
  return await look();
}

/**
 * Judges one look at a guest. Facts are absent where the guest could not be asked any more. A finding that the
 * allow-list covers says so; an entry whose last day is past covers nothing and is named. Pure.
 */
export function judgeHealth(
  console: readonly ConsoleFinding[],
  facts: HealthFacts | undefined,
  options: HealthOptions,
): HealthFinding[] {
  const found: Omit<HealthFinding, 'when'>[] = console.map(({ kind, line, at }) => ({
    kind,
    message: clip(printable(line), 500),
    atMs: Math.max(0, at),
  }));
  if (facts)
    found.push(...crashedFindings(facts.crashed), ...deathFindings(facts.coredump), ...taintFindings(facts.kernel));
  return found.map((finding) => ({ ...finding, when: options.when, ...allowance(finding, options) }));
}

type Found = Omit<HealthFinding, 'when'>;

function crashedFindings(answer: Answer): Found[] {
  const value = answer.value as CrashedValue | undefined;
  if (!value)
    return [{ kind: 'unknown', message: `crashed services could not be learned: ${answer.diagnostics.join('; ')}` }];
  return value.crashed.map((name) => ({
    kind: 'crashed-service',
    message: `the service ${printable(name)} crashed or failed`,
  }));
}

function deathFindings(answer: Answer): Found[] {
  const value = answer.value as CoredumpValue | undefined;
  if (!value)
    return [{ kind: 'unknown', message: `core dumps could not be looked for: ${answer.diagnostics.join('; ')}` }];
  // A login without rights may not read the kernel's log; what is serious in it stands on the console too.
  return deathsOf(value).map(({ message }) => ({ kind: 'core-dump', message: clip(printable(message), 500) }));
}

function taintFindings(answer: Answer): Found[] {
  const value = answer.value as KernelValue | undefined;
  if (!value)
    return [{ kind: 'unknown', message: `the kernel's taint could not be learned: ${answer.diagnostics.join('; ')}` }];
  if (value.taint === 0) return [];
  return [{ kind: 'taint', message: `the kernel is tainted (${value.taint}): ${value.taints.join(', ')}` }];
}

function allowance(finding: Found, { allow, today }: HealthOptions): Pick<HealthFinding, 'allowed' | 'expired'> {
  const text = `${finding.kind}: ${finding.message}`;
  const fitting = allow.filter((entry) => new RegExp(entry.match).test(text));
  // An entry counts through its whole last day.
  const day = today.toISOString().slice(0, 10);
  const valid = fitting.find((entry) => entry.until === undefined || entry.until >= day);
  if (valid) return { allowed: valid.reason };
  const expired = fitting[0]?.until;
  return expired === undefined ? {} : { expired };
}
