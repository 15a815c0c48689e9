/**
 * A signal with an end in time. AbortSignal.timeout() within AbortSignal.any() is none: nobody holds it, so that Node 20 forgets
 * it, and its time with it, when the garbage collector runs.
 */

/** Aborts with any of these, or after `ms` with a TimeoutError. Keeps no process alive. */
export function withDeadline(ms: number, ...signals: readonly AbortSignal[]): AbortSignal {
  const late = new AbortController();
  const end = (): void => late.abort(new DOMException("the time is up", "TimeoutError"));
  setTimeout(end, ms).unref();
  return AbortSignal.any([...signals, late.signal]);
}
