/** How long ago the queue last answered a wait for jobs: the one figure that says whether this runner really listens. */
export class PollWatch {
  #lastMs: number | undefined;

  /** The queue answered. */
  readonly seen = (): void => {
    this.#lastMs = performance.now();
  };

  /** ms since then; undefined before the first answer. */
  readonly ageMs = (): number | undefined =>
    this.#lastMs === undefined ? undefined : Math.round(performance.now() - this.#lastMs);
}
