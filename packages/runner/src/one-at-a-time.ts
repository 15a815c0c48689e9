/**
 * Work that many ask for and that is done once at a time. Whoever asks while it is being done gets a round of its own
 * that begins after the question, shared with all who asked meanwhile: an answer is never older than the question.
 */
export class OneAtATime {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Resolves when a round that began after this call has ended. Rejects with what the work rejects with. */
  run(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#work().finally(() => (this.#running = undefined));
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.run();
    });
    return this.#next;
  }

  /** Resolves when nobody waits for a round any more. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await (this.#next ?? this.#running);
  }
}
