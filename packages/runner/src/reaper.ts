/**
 * Finds jobs whose runner is gone. Every runner does it, no leader is needed: reclaiming is one compare-and-change.
 *
 * Two looks: a lease is reclaimed only when its end is past and unchanged for a while during which the queue answered
 * promptly. So a queue that was frozen longer than a lease causes no wave of false reclaims: on waking, the owners
 * renew before the second look.
 */
import { type JobQueue, QueueError } from "@herorunner/job";
import type { RunnerEvent } from "./host.ts";
import type { Clock } from "./ports.ts";

/** An answer later than this is a stall: what was seen before it proves nothing. */
const stallMs = 500;
/** How soon it looks after its start, and after a look that was not answered. */
const firstLookMs = 1_000;
/** Past the end of a lease, so that the look meant for it does not come a moment too early. */
const afterEndMs = 20;

export interface ReaperOptions {
  readonly queue: JobQueue;
  readonly clock: Clock;
  /** The longest time between two looks; shorter when a lease could be over before. */
  readonly everyMs: number;
  readonly confirmMs: number;
  readonly onEvent: (event: RunnerEvent) => void;
}

export class Reaper {
  readonly #options: ReaperOptions;
  /** Job id → the lease end that was seen, and when it was seen first. */
  #seen = new Map<string, { readonly leaseEnd: string; readonly sinceMs: number }>();
  #nextMs = firstLookMs;

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  /** Looks until `signal` aborts. Never rejects for an absent queue. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(this.#pauseMs(), signal);
      if (signal.aborted) return;
      try {
        await this.look();
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        this.#seen.clear();
        this.#nextMs = firstLookMs;
      }
    }
  }

  /**
   * While something waits for its second look there is no time to lose. Else nothing is lost by waiting for the first
   * lease that could be over: one that is given meanwhile ends later than the longest pause.
   */
  #pauseMs(): number {
    const { everyMs, confirmMs } = this.#options;
    return Math.min(everyMs, this.#seen.size === 0 ? this.#nextMs : confirmMs / 8);
  }

  /** One look. Throws QueueError when the queue is away. */
  async look(): Promise<void> {
    const { queue, clock, confirmMs, onEvent } = this.#options;
    const askedMs = clock.monotonicMs();
    const { leases, nextMs } = await queue.overdue();
    const nowMs = clock.monotonicMs();
    this.#nextMs = nextMs === undefined ? Number.POSITIVE_INFINITY : nextMs + afterEndMs;
    const stalled = nowMs - askedMs > stallMs;
    const before = stalled ? new Map<string, never>() : this.#seen;
    this.#seen = new Map();
    for (const lease of leases) {
      const earlier = before.get(lease.jobId);
      const first =
        earlier?.leaseEnd === lease.leaseEnd ? earlier : { leaseEnd: lease.leaseEnd, sinceMs: nowMs };
      if (nowMs - first.sinceMs < confirmMs) {
        this.#seen.set(lease.jobId, first);
        continue;
      }
      const answer = await queue.reclaim(lease);
      if (answer !== "live" && answer !== "final") {
        onEvent({ kind: "reclaimed", jobId: lease.jobId, answer });
      }
    }
  }
}
