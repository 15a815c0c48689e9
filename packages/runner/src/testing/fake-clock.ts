/**
 * A Clock that stands still until a test moves it. Sleepers wake in the order of their times, each with the time it
 * waited for on the clock.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../ports.ts";

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  readonly #startMs: number;
  #passedMs = 0;
  #sleepers: Sleeper[] = [];

  /** `startMs`: what now() says at first, ms since 1970. */
  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#passedMs;
  }

  monotonicMs(): number {
    return this.#passedMs;
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const wake = (): void => {
        signal?.removeEventListener("abort", wake);
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
        resolve();
      };
      const sleeper = { untilMs: this.#passedMs + ms, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** Moves time on. Resolves when everybody who woke, and whoever they woke, has had a turn. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#passedMs + ms;
    await turn();
    for (;;) {
      const next = this.#sleepers.toSorted((a, b) => a.untilMs - b.untilMs)[0];
      if (next === undefined || next.untilMs > endMs) break;
      this.#passedMs = Math.max(this.#passedMs, next.untilMs);
      next.wake();
      await turn();
    }
    this.#passedMs = endMs;
  }
}
