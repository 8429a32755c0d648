import type { Channel } from '../../guest/index.ts';

/** Milliseconds for setting a clock, before scaling. */
const TIMEOUT = 10_000;

/**
 * Gives a fork the time of day: its clock went on from the moment of the checkpoint. Its kernel has already drawn new
 * entropy, because the machine told it of a new generation (vmgenid).
 */
export async function renewClock(channel: Channel, scale: number, signal: AbortSignal): Promise<void> {
  const now = Math.round(Date.now() / 1000);
  await channel.exec(`date -u -s @${now} > /dev/null 2>&1`, { timeout: TIMEOUT * scale, signal });
}
