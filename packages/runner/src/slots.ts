/** How many jobs at once. One loop reserves; each reservation is either run or freed. */

export class Slots {
  readonly size: number;
  #reserved = 0;
  readonly #running = new Set<Promise<void>>();
  #wake: (() => void) | undefined;

  constructor(size: number) {
    if (!Number.isInteger(size) || size < 1)
      throw new RangeError(`a runner needs at least one slot, not ${size}`);
    this.size = size;
  }

  /** Slots with a job in them. */
  get busy(): number {
    return this.#running.size;
  }

  /** Resolves when a slot is ours, or at once when `signal` aborts; then too it must be freed. */
  async reserve(signal: AbortSignal): Promise<void> {
    if (this.#reserved >= this.size) {
      const wake = (): void => this.#wake?.();
      signal.addEventListener("abort", wake);
      while (this.#reserved >= this.size && !signal.aborted) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      signal.removeEventListener("abort", wake);
    }
    this.#reserved += 1;
  }

  /** Gives a reservation back unused. */
  free(): void {
    this.#reserved -= 1;
    this.#wake?.();
  }

  /** Uses a reservation; it is freed when the work ends. The work must not reject. */
  run(work: () => Promise<void>): void {
    const running = work().finally(() => {
      this.#running.delete(running);
      this.free();
    });
    this.#running.add(running);
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
  }
}
