/**
 * The outcome of a wait, or undefined when it has none after `ms` milliseconds. Unlike a race with a timer it leaves no
 * timer behind. Rejects with the signal's reason when aborted.
 */
export async function within<T>(wait: Promise<T>, ms: number, signal?: AbortSignal): Promise<T | undefined> {
  signal?.throwIfAborted();
  let release = () => {};
  const stop = new Promise<undefined>((resolve, reject) => {
    const timer = setTimeout(resolve, ms, undefined);
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  try {
    return await Promise.race([wait, stop]);
  } finally {
    release();
  }
}
