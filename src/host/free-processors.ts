import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds over which the host is watched. */
const WATCH = 300;

/** How many processors of the host had nothing to do a moment ago, at least one. */
export async function freeProcessors(): Promise<number> {
  const before = times();
  await pause(WATCH);
  const after = times();
  const all = after.all - before.all;
  return all > 0 ? Math.max(1, Math.round((cpus().length * (after.idle - before.idle)) / all)) : 1;
}

function times(): { idle: number; all: number } {
  const each = cpus().map((cpu) => cpu.times);
  const sum = (of: (times: (typeof each)[number]) => number) => each.reduce((total, t) => total + of(t), 0);
  return {
    idle: sum(({ idle }) => idle),
    all: sum(({ idle, user, nice, sys, irq }) => idle + user + nice + sys + irq),
  };
}
