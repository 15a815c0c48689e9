/** Whether jobs are taken: closed while the runner is paused, and for good once it drains. */

export class PauseGate {
  /** Undefined until it is known. */
  #paused: boolean | undefined;
  #taking = new AbortController();
  #waiters: (() => void)[] = [];
  readonly #draining: AbortSignal;

  /** Without `known` no jobs are taken before it was said for the first time whether the runner is paused. */
  constructor(draining: AbortSignal, { known }: { readonly known: boolean } = { known: true }) {
    this.#paused = known ? false : undefined;
    this.#draining = draining;
    draining.addEventListener("abort", () => this.#change(), { once: true });
  }

  get paused(): boolean {
    return this.#paused === true;
  }

  /** Whether it was said at all. */
  get isKnown(): boolean {
    return this.#paused !== undefined;
  }

  /** Aborts when no more jobs must be taken: a pause or the drain. A new one after each pause. */
  get taking(): AbortSignal {
    return this.#taking.signal;
  }

  setPaused(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#change();
  }

  /** Resolves when jobs may be taken, or when the runner drains. */
  async open(): Promise<void> {
    while (this.#paused !== false && !this.#draining.aborted) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  #change(): void {
    if (this.#paused || this.#draining.aborted) this.#taking.abort();
    else this.#taking = new AbortController();
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
