/** How many jobs at once. One loop reserves; each reservation is either run or freed. */

/** The slot of one piece of work, seen from inside. */
export interface Slot {
  /** The work is all but over: the next one may be asked for already. */
  offer(): void;
  /**
   * It was not over after all, and is not offered again. The next one may have come; then their slot counts twice, and no
   * more is taken for it until both are over.
   */
  takeBack(): void;
}

export class Slots {
  readonly size: number;
  /** Above `size` while slots that were offered are taken back. */
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
    return Math.min(this.#running.size, this.size);
  }

  /** Resolves with the number of slots that are ours, at least one: all that are free, or one when `signal` aborts first. */
  async reserve(signal: AbortSignal): Promise<number> {
    if (this.#reserved >= this.size) {
      const wake = (): void => this.#wake?.();
      signal.addEventListener("abort", wake);
      while (this.#reserved >= this.size && !signal.aborted) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      signal.removeEventListener("abort", wake);
    }
    const ours = Math.max(this.size - this.#reserved, 1);
    this.#reserved += ours;
    return ours;
  }

  /** Gives reservations back unused. */
  free(count = 1): void {
    this.#reserved -= count;
    this.#wake?.();
  }

  /** Uses a reservation; it is freed when the work ends. The work must not reject. */
  run(work: (slot: Slot) => Promise<void>): void {
    let held = true;
    let mayOffer = true;
    const leave = (): void => {
      if (held) this.free();
      held = false;
    };
    const offer = (): void => void (mayOffer && leave());
    const takeBack = (): void => {
      mayOffer = false;
      if (!held) this.#reserved += 1;
      held = true;
    };
    const running = work({ offer, takeBack }).finally(() => {
      this.#running.delete(running);
      leave();
    });
    this.#running.add(running);
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
  }
}
