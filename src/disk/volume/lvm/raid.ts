// Reads: the superblock that dm-raid keeps in the metadata volume of each leg, to tell a leg that fell behind.
// Specification: struct dm_raid_superblock in drivers/md/dm-raid.c of Linux.
import type { BlockSource } from '../../source/source.ts';
import { asDiagnostic, view } from '../../trouble.ts';

const MAGIC = 0x64526d44;
const NEVER = 2n ** 64n - 1n;

interface LegState {
  position: number;
  events: bigint;
  /** A bit for each leg that failed. */
  failed: bigint;
  filled: boolean;
}

async function readState(source: BlockSource, signal?: AbortSignal): Promise<LegState | undefined> {
  const sb = view(await source.read(0, 512, signal), 'dm-raid superblock', 0);
  if (sb.u32le(0) !== MAGIC) return undefined;
  return {
    position: sb.u32le(12),
    events: sb.big64le(16),
    failed: sb.big64le(24),
    filled: sb.big64le(32) === NEVER,
  };
}

/**
 * The legs that hold the newest data, in their order. A leg without a sound superblock is new or was never written by the
 * kernel; where no leg has one, all count.
 * @param open the metadata volume of a leg; undefined where it is missing
 */
export async function freshLegs<Leg>(
  legs: readonly Leg[],
  open: (leg: Leg) => Promise<BlockSource | undefined>,
  say: (message: string) => void,
  signal?: AbortSignal,
): Promise<Leg[]> {
  const states: (LegState | undefined)[] = [];
  for (const [number, leg] of legs.entries()) {
    try {
      const meta = await open(leg);
      states.push(meta && (await readState(meta, signal)));
    } catch (error) {
      say(`leg ${number}: ${asDiagnostic(error).message}`);
      states.push(undefined);
    }
  }
  const newest = states.reduce((best, one) => (one && (!best || one.events > best.events) ? one : best), undefined);
  if (!newest) return [...legs];
  return legs.filter((_, number) => {
    const state = states[number];
    const stale = !state || state.events < newest.events || !state.filled || (newest.failed >> BigInt(number)) & 1n;
    if (state && stale) say(`leg ${number} fell behind and is left out`);
    return !stale;
  });
}
