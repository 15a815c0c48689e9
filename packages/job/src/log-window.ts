/** How much of a job's live log stays in Redis: the newest entries, bounded in number and bytes. */

const maxEntries = 10_000;
const maxBytes = 4 * 1024 * 1024;

export class LogWindow {
  readonly #sizes: number[] = [];
  #bytes = 0;
  #first = 0;

  /** Counts one more entry. */
  add(bytes: number): void {
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    while (this.keptEntries > maxEntries || (this.#bytes > maxBytes && this.keptEntries > 1)) {
      this.#bytes -= this.#sizes[this.#first] ?? 0;
      this.#first += 1;
    }
    if (this.#first > maxEntries) {
      this.#sizes.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** How many of the newest entries fit. */
  get keptEntries(): number {
    return this.#sizes.length - this.#first;
  }
}
