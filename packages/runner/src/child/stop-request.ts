/** Why a running job is to be ended before its time. The first cause counts; later ones change nothing. */
export type StopCause = "timeout" | "aborted" | "output_limit";

export class StopRequest {
  readonly requested: Promise<void>;
  #cause: StopCause | undefined;
  #resolve: () => void = () => undefined;

  constructor() {
    this.requested = new Promise((resolve) => (this.#resolve = resolve));
  }

  get cause(): StopCause | undefined {
    return this.#cause;
  }

  request(cause: StopCause): void {
    this.#cause ??= cause;
    this.#resolve();
  }
}
