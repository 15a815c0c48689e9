/**
 * Waiting politely while the queue is away: repeats a call until it succeeds, with growing pauses, and says what is
 * wrong once per outage instead of once per try.
 */
import { QueueError } from "@herorunner/job";
import type { Clock, Logger } from "./ports.ts";

const firstPauseMs = 50;
const longestPauseMs = 2_000;

export class Patience {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  #outage: { readonly sinceMs: number; message: string } | undefined;

  constructor(clock: Clock, logger: Logger, random: () => number = Math.random) {
    this.#clock = clock;
    this.#logger = logger;
    this.#random = random;
  }

  /** The sentence of the outage that lasts now, if one does. */
  get trouble(): string | undefined {
    return this.#outage?.message;
  }

  /** Repeats `work` until it succeeds; undefined once `signal` aborts. Throws what is not a QueueError: that is a bug. */
  async until<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    for (let round = 0; !signal.aborted; round += 1) {
      try {
        const result = await work();
        this.succeeded();
        return result;
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        this.failed(error);
        await this.#clock.sleep(pauseMs(round, this.#random()), signal);
      }
    }
    return undefined;
  }

  /** For callers that have their own rhythm: counts towards the outage. */
  failed(error: QueueError): void {
    if (this.#outage?.message === error.message) return;
    const sinceMs = this.#outage?.sinceMs ?? this.#clock.monotonicMs();
    this.#outage = { sinceMs, message: error.message };
    this.#logger.error(
      { code: error.code, error: error.message },
      "the queue is in trouble; trying again until it is back",
    );
  }

  succeeded(): void {
    if (this.#outage === undefined) return;
    const awayMs = Math.round(this.#clock.monotonicMs() - this.#outage.sinceMs);
    this.#outage = undefined;
    this.#logger.info({ awayMs }, "the queue is back");
  }
}

/** 50 ms, doubling to 2 s, with jitter of up to a half: many runners must not come back in step. */
export function pauseMs(round: number, random: number): number {
  const full = Math.min(firstPauseMs * 2 ** Math.min(round, 16), longestPauseMs);
  return full / 2 + (full / 2) * random;
}
