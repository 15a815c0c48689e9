/**
 * Ctrl-C while waiting. At a terminal it asks whether the job should be cancelled too, and the wait goes on meanwhile;
 * a second Ctrl-C, or "no", leaves the job alone and ends the wait. Anywhere else the first one ends the wait.
 */
import type { Shell } from "./shell.ts";

export interface InterruptsOptions {
  readonly shell: Shell;
  readonly question: string;
  /** Takes the progress line away before a question is asked. */
  readonly onAsk: () => void;
  /** Cancels the job. Answers what to tell the person. */
  readonly cancel: () => Promise<string>;
}

/** Listens from its creation to stop(). */
export class Interrupts {
  readonly #options: InterruptsOptions;
  readonly #leave = new AbortController();
  readonly #stop = new AbortController();
  readonly #unlisten: () => void;
  #state: "idle" | "asking" | "cancelling" = "idle";

  constructor(options: InterruptsOptions) {
    this.#options = options;
    this.#unlisten = options.shell.onInterrupt(() => this.#interrupt());
  }

  /** Aborts when the person wants to wait no longer. */
  get signal(): AbortSignal {
    return this.#leave.signal;
  }

  /** The person asked for the job to be cancelled. */
  get cancelling(): boolean {
    return this.#state === "cancelling";
  }

  stop(): void {
    this.#unlisten();
    this.#stop.abort();
  }

  #interrupt(): void {
    if (this.#state !== "idle" || !this.#options.shell.isInteractive) this.#leave.abort();
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    const { shell, question, onAsk, cancel } = this.#options;
    this.#state = "asking";
    onAsk();
    await shell.stderr.write(`\n${question} [y/N] `);
    const line = await shell.readLine(AbortSignal.any([this.#leave.signal, this.#stop.signal]));
    if (line === undefined) {
      await shell.stderr.write("\n");
      return;
    }
    if (!/^\s*y(es)?\s*$/i.test(line)) return this.#leave.abort();
    this.#state = "cancelling";
    const told = await cancel().catch((error: unknown) => `it could not be cancelled: ${String(error)}`);
    await shell.stderr.write(`${told}\n`);
  }
}
