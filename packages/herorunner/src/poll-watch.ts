/** How long ago the queue last answered a wait for jobs: the one figure that says whether this runner really listens. */
export class PollWatch {
  readonly #now: () => number;
  #answeredMs: number | undefined;
  #askedMs: number | undefined;

  /** `now`: a monotonic clock, ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A slot is free and a wait begins. A runner that was full or paused did not ask, so silence before this means nothing. */
  readonly asked = (): void => {
    this.#askedMs = this.#now();
  };

  /** The queue answered. */
  readonly answered = (): void => {
    this.#answeredMs = this.#now();
  };

  /** ms since the last answer; undefined before the first one. */
  readonly ageMs = (): number | undefined =>
    this.#answeredMs === undefined ? undefined : Math.round(this.#now() - this.#answeredMs);

  /** For how long the queue has owed an answer, ms; 0 when it was not asked yet. */
  readonly silentMs = (): number => {
    if (this.#askedMs === undefined) return 0;
    return Math.round(this.#now() - Math.max(this.#askedMs, this.#answeredMs ?? 0));
  };
}
