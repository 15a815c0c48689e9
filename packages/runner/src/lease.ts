/**
 * Keeps claims alive while their jobs run: one renewal for all of them, every 1.5 s. The answer is also how a runner
 * learns that a job was cancelled or that its claim moved on; either way the job's signal aborts and the local processes end.
 * No answer ends nothing: docs/adr/0002-delivery.md says why.
 */
import { type Claim, type JobQueue, QueueError, type RenewAnswer } from "@herorunner/job";
import { OneAtATime } from "./one-at-a-time.ts";
import type { Patience } from "./patience.ts";

export type StopReason = "cancelled" | "shutdown" | "lost";

export interface HeldLease {
  readonly claim: Claim;
  /** Aborts when the job must stop. */
  readonly signal: AbortSignal;
  /** Why it must stop; the first reason stays, except that a lost claim outranks all. */
  readonly stopReason: StopReason | undefined;
  /** The job is settled or given back: renew no more. */
  release(): void;
}

class Held implements HeldLease {
  readonly claim: Claim;
  readonly #controller = new AbortController();
  readonly #forget: (held: Held) => void;
  stopReason: StopReason | undefined;

  constructor(claim: Claim, forget: (held: Held) => void) {
    this.claim = claim;
    this.#forget = forget;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  stop(reason: StopReason): void {
    if (reason === "lost") this.stopReason = reason;
    else this.stopReason ??= reason;
    this.#controller.abort(this.stopReason);
  }

  release(): void {
    this.#forget(this);
  }
}

export class LeaseKeeper {
  readonly #queue: JobQueue;
  readonly #patience: Patience;
  readonly #held = new Set<Held>();
  readonly #renewEveryMs: number;
  /** Runs while something is held. */
  #timer: NodeJS.Timeout | undefined;
  /** Told of each renewal, an answer for each lease. Must not throw. */
  onRenewed: (answers: readonly (RenewAnswer | "failed")[]) => void = () => undefined;
  readonly #renewal = new OneAtATime(() => this.#renew());
  #shuttingDown = false;

  /** Starts its timer with the first lease; close() ends it. */
  constructor(queue: JobQueue, patience: Patience, renewEveryMs: number) {
    this.#queue = queue;
    this.#patience = patience;
    this.#renewEveryMs = renewEveryMs;
  }

  hold(claim: Claim): HeldLease {
    const held = new Held(claim, (one) => this.#held.delete(one));
    this.#held.add(held);
    this.#timer ??= setInterval(() => void this.renewNow(), this.#renewEveryMs);
    if (this.#shuttingDown) held.stop("shutdown");
    return held;
  }

  /**
   * Renews all leases. A renewal that is under way may have passed a `cancel` that was written after it, so those who
   * ask meanwhile share another one. Never rejects.
   */
  renewNow(): Promise<void> {
    return this.#renewal.run();
  }

  async #renew(): Promise<void> {
    const held = [...this.#held];
    if (held.length === 0) {
      this.#rest();
      return this.#patience.succeeded("renew"); // nothing is left to complain about
    }
    try {
      const answers = await this.#queue.renew(held.map((one) => one.claim));
      this.#patience.succeeded("renew");
      this.onRenewed(answers);
      for (const [at, one] of held.entries()) {
        // A lease that was released meanwhile was settled by us: "lost" is then our own doing.
        if (!this.#held.has(one)) continue;
        if (answers[at] === "lost") one.stop("lost");
        if (answers[at] === "cancel") one.stop("cancelled");
      }
    } catch (error) {
      // Nobody can take a job from a queue that is away: the processes go on, the next renewal will tell. That it is only we
      // who cannot reach it looks the same from here.
      if (!(error instanceof QueueError)) throw error;
      this.#patience.failed("renew", error);
      this.onRenewed(held.map(() => "failed"));
    }
  }

  /** Ends all running jobs, and those that are still held later. */
  abortAll(): void {
    this.#shuttingDown = true;
    for (const one of this.#held) one.stop("shutdown");
  }

  /** Resolves when no renewal is under way any more. */
  async close(): Promise<void> {
    this.#rest();
    await this.#renewal.idle();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
