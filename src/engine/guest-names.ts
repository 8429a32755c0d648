import type { SuitePlan } from '../suite/index.ts';

/** A name that serves as host name too. */
export function guestName(plan: SuitePlan, number: number): string {
  const words = plan.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);
  return `${words || 'guest'}-${number}`;
}

/** Suites with the same key share a guest; a test that has one for itself has a key of its own. */
export function keyOf(plan: SuitePlan, test?: string): string {
  if (test !== undefined) return JSON.stringify([plan.key, test]);
  return plan.isolation === 'shared' ? JSON.stringify([plan.image, plan.machine, plan.cell, plan.channel]) : plan.key;
}
