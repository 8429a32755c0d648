/** The sources of each signal below, for as long as someone has it. */
const sources = new WeakMap<AbortSignal, readonly AbortSignal[]>();

/**
 * A signal that aborts with the first of the given ones. `AbortSignal.any` alone holds its sources weakly: Node may collect
 * one that nobody else has, and then a deadline of `AbortSignal.timeout` never comes (issues 57736 and 65995 of
 * nodejs/node).
 */
export function anySignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  const given = signals.filter((signal) => signal !== undefined);
  const any = AbortSignal.any(given);
  sources.set(any, given);
  return any;
}
