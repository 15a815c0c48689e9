/** A long wait outlives a short absence of Redis or of the supervisor. */
import { setTimeout as sleep } from "node:timers/promises";
import { ClientError } from "@herorunner/job";

/** How long a store may be away before the wait is given up. */
const patienceMs = 30_000;
const againMs = 500;

export interface PatienceOptions {
  /** Ends it at once, also while the store owes an answer. */
  readonly signal: AbortSignal;
  /** Told once for each absence, with the sentence of the first failure. */
  readonly onAway: (why: string) => Promise<void>;
}

/**
 * Does the work again as long as it fails with UNAVAILABLE; gives up after 30 s without an answer. Rejects with the
 * signal's reason when it aborts.
 */
export async function patiently<T>(work: () => Promise<T>, options: PatienceOptions): Promise<T> {
  const { signal } = options;
  signal.throwIfAborted();
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason as Error); // nobody looks at it
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([again(work, options), aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function again<T>(work: () => Promise<T>, options: PatienceOptions): Promise<T> {
  let awaySinceMs: number | undefined;
  for (;;) {
    const begunMs = performance.now();
    try {
      return await work();
    } catch (error) {
      options.signal.throwIfAborted(); // nobody waits any more, so nobody is told
      if (!(error instanceof ClientError) || error.code !== "UNAVAILABLE") throw error;
      const nowMs = performance.now();
      // An attempt that lasted was answered meanwhile: this is another absence.
      if (awaySinceMs === undefined || nowMs - begunMs > patienceMs / 2) {
        awaySinceMs = nowMs;
        await options.onAway(error.message);
      }
      if (nowMs - awaySinceMs > patienceMs) throw error;
      await sleep(againMs, undefined, { signal: options.signal });
    }
  }
}
