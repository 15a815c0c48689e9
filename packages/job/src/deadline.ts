/**
 * A signal with an end in time. AbortSignal.timeout() within AbortSignal.any() is none: nobody holds it, so that Node 20 forgets
 * it, and its time with it, when the garbage collector runs. And what AbortSignal.any() makes of a signal that lives as long as the
 * program, that one does not forget.
 */
import { setMaxListeners } from "node:events";

export interface Deadline {
  /** Aborts with any of the others, or with a TimeoutError when the time is up. */
  readonly signal: AbortSignal;
  /** Forgets the time and the others. The caller does that when its work is over. */
  readonly stop: () => void;
}

/** What a timer of Node can wait for; with more it would end at once. */
const longestMs = 2 ** 31 - 1;

/** `ms` from now, 24 days at most. Keeps no process alive. Any number of deadlines may share the other signals. */
export function withDeadline(ms: number, ...others: readonly AbortSignal[]): Deadline {
  const over = new AbortController();
  const timer = setTimeout(
    () => over.abort(new DOMException("the time is up", "TimeoutError")),
    Math.min(ms, longestMs),
  ).unref();
  const end = (event: Event): void => over.abort((event.target as AbortSignal).reason); // it listens to signals only
  for (const other of others) {
    if (other.aborted) over.abort(other.reason);
    setMaxListeners(0, other);
    other.addEventListener("abort", end, { once: true });
  }
  const stop = (): void => {
    clearTimeout(timer);
    for (const other of others) other.removeEventListener("abort", end);
  };
  return { signal: over.signal, stop };
}
