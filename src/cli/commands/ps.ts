import { formatDuration } from '../../core/index.ts';
import type { Command } from '../command.ts';
import { type RunningGuest, runningGuests } from '../running.ts';

function renderGuests(guests: readonly RunningGuest[]): string {
  if (guests.length === 0) return 'no guest runs';
  const rows = guests.map((guest) => [
    guest.name,
    guest.image,
    guest.ssh ? `127.0.0.1:${guest.ssh.port}` : 'none',
    formatDuration(guest.upMs),
    `${guest.run} (pid ${guest.owner})`,
  ]);
  const table = [['guest', 'image', 'ssh', 'up', 'run'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length))) ?? [];
  return table
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const ps: Command = {
  usage: '',
  options: [],
  examples: [
    ['gvm ps', 'a line for each guest'],
    ['gvm ps --json', 'the same as data'],
  ],
  words: [0, 0],
  async run(context) {
    context.show(await runningGuests(context), renderGuests);
    return 0;
  },
};
