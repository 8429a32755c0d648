/**
 * A stack of releases, run last in, first out. Each release runs even where an earlier one failed; the failures
 * are thrown together at the end. (Node 20 has `Symbol.asyncDispose` but no `AsyncDisposableStack`.)
 */
export class ReleaseStack implements AsyncDisposable {
  #releases: (() => unknown)[] = [];

  /** Registers a release and returns a function that takes it back. */
  defer(release: () => unknown): () => void {
    this.#releases.push(release);
    return () => {
      this.#releases = this.#releases.filter((r) => r !== release);
    };
  }

  /** Registers a resource and returns it. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  /** Hands all registered releases to a new stack; this one is then empty (for constructors that may fail halfway). */
  move(): ReleaseStack {
    const moved = new ReleaseStack();
    moved.#releases = this.#releases;
    this.#releases = [];
    return moved;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let release = this.#releases.pop(); release; release = this.#releases.pop()) {
      try {
        await release();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'several releases failed');
  }
}
