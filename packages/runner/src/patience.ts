/**
 * Waiting politely while the queue is away: repeats a call until it succeeds, with growing pauses, and says what is
 * wrong once per outage instead of once per try.
 *
 * An outage lasts as long as one of those who ask has had no good answer since its last bad one. So a Redis that takes
 * renewals and refuses claims (it is full) is one outage and not a flood of good and bad news.
 */
import { QueueError, type QueueErrorCode } from "@herorunner/job";
import type { Clock, Logger } from "./ports.ts";

const firstPauseMs = 50;
const longestPauseMs = 2_000;

/** What is asked of the queue; each has its own luck. */
export type Asked = "claim" | "start" | "release" | "settle" | "renew" | "beat";

export class Patience {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #complaints = new Map<Asked, QueueError>();
  /** What the log was told of this outage. */
  readonly #said = new Set<QueueErrorCode>();
  #sinceMs = 0;

  constructor(clock: Clock, logger: Logger, random: () => number = Math.random) {
    this.#clock = clock;
    this.#logger = logger;
    this.#random = random;
  }

  /** The sentence of the outage that lasts now, if one does. */
  get trouble(): string | undefined {
    return [...this.#complaints.values()].at(-1)?.message;
  }

  /** Its kind. A store that is full says so to those who write, whatever else goes well. */
  get troubleCode(): QueueErrorCode | undefined {
    return [...this.#complaints.values()].at(-1)?.code;
  }

  /**
   * Repeats `work` until it succeeds. Once `signal` has aborted there is one more try, or a first one; then undefined.
   * Throws what is not a QueueError: that is a bug.
   */
  async until<T>(asked: Asked, work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    for (let round = 0; ; round += 1) {
      const last = signal.aborted;
      try {
        const result = await work();
        // Whoever is told to stop answers without asking the queue; that is no good news.
        if (signal.aborted) this.#complaints.delete(asked);
        else this.succeeded(asked);
        return result;
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        this.failed(asked, error);
        if (last) break;
        await this.#clock.sleep(pauseMs(round, this.#random()), signal);
      }
    }
    this.#complaints.delete(asked);
    return undefined;
  }

  /** For callers that have their own rhythm: counts towards the outage. */
  failed(asked: Asked, error: QueueError): void {
    if (this.#complaints.size === 0) {
      this.#sinceMs = this.#clock.monotonicMs();
      this.#said.clear();
    }
    this.#complaints.set(asked, error);
    const fields = { code: error.code, error: error.message };
    if (this.#said.has(error.code))
      return this.#logger.debug({ asked, ...fields }, "the queue is still in trouble");
    this.#said.add(error.code);
    this.#logger.error(fields, "the queue is in trouble; trying again until it is back");
  }

  succeeded(asked: Asked): void {
    if (this.#complaints.size === 0) return;
    this.#complaints.delete(asked);
    // A claim waits for seconds without a word: when others are answered, it only waits. A full store renews and stores all
    // the same, so that only a heartbeat shows that it is full no more.
    const claim = this.#complaints.get("claim")?.code;
    if (claim === "UNAVAILABLE" || (claim === "FULL" && asked === "beat")) this.#complaints.delete("claim");
    if (this.#complaints.size > 0) return;
    const awayMs = Math.round(this.#clock.monotonicMs() - this.#sinceMs);
    this.#logger.info({ away_ms: awayMs }, "the queue is back");
  }
}

/** 50 ms, doubling to 2 s, with jitter of up to a half: many runners must not come back in step. */
export function pauseMs(round: number, random: number): number {
  const full = Math.min(firstPauseMs * 2 ** Math.min(round, 16), longestPauseMs);
  return full / 2 + (full / 2) * random;
}
