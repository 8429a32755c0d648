/** Which bytes of a reply have come: each once, and in the end all. */
export class Coverage {
  readonly #length: number;
  /** Begins and ends of what came, in order; neighbours are joined. */
  #runs: [from: number, to: number][] = [];

  constructor(length: number) {
    this.#length = length;
  }

  /** Takes a run. @returns false when a part of it had come already */
  add(from: number, length: number): boolean {
    const to = from + length;
    // Replies come in order nearly always, so the search begins at the end.
    let index = this.#runs.length;
    while (index > 0 && (this.#runs[index - 1] as [number, number])[0] >= to) index--;
    const before = this.#runs[index - 1];
    if (before && before[1] > from) return false;
    if (before && before[1] === from) before[1] = to;
    else this.#runs.splice(index++, 0, [from, to]);
    const here = this.#runs[index - 1] as [number, number];
    const after = this.#runs[index];
    if (after && after[0] === here[1]) {
      here[1] = after[1];
      this.#runs.splice(index, 1);
    }
    return true;
  }

  get complete(): boolean {
    const [run] = this.#runs;
    return this.#length === 0 || (this.#runs.length === 1 && run?.[0] === 0 && run[1] === this.#length);
  }
}
