/**
 * How much longer a boot takes than with hardware virtualization, and the loop time of the host where that was
 * measured. TCG's factor is the boot's, not the loop's: a loop is translated once, a boot is mostly new code.
 */
const reference = {
  kvm: { factor: 1, loop: 0.2 },
  tcg: { factor: 4, loop: 0.6 },
} as const;
const LARGEST = 40;

/** The factor of all deadlines, at least 1, from the milliseconds of the proof's fastest loop. */
export function scaleOf(accelerator: 'kvm' | 'tcg', loop: number | null): number {
  const { factor, loop: usual } = reference[accelerator];
  const slowness = loop === null ? 1 : Math.max(1, loop / usual);
  return Math.min(LARGEST, Math.round(factor * slowness * 10) / 10);
}
