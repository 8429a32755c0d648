import type { ByteView } from '../../../core/index.ts';
import type { Timestamp } from '../file-system.ts';

/** Seven bytes: years since 1900, month, day, hour, minute, second, and the zone in quarters of an hour (ECMA-119 9.1.5). */
export function shortTime(record: ByteView, at: number): Timestamp {
  const [year, month, day, hour] = [record.u8(at), record.u8(at + 1), record.u8(at + 2), record.u8(at + 3)];
  const zone = (record.u8(at + 6) << 24) >> 24;
  const ms = Date.UTC(1900 + year, Math.max(0, month - 1), day, hour, record.u8(at + 4), record.u8(at + 5));
  return { seconds: ms / 1000 - zone * 15 * 60, nanoseconds: 0 };
}
