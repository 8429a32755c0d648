/** How a signal reaches what a process owns. `runOwned` gives one; tests and the library may make their own. */
export interface Ownership {
  /** Aborted by the first SIGINT or SIGTERM: everything ends in order. */
  readonly signal: AbortSignal;
  /**
   * Registers what the second signal does, without waiting: it must be synchronous and quick. The returned function
   * takes it back.
   */
  atOnce(release: () => void): () => void;
}
