/** Waiting that an AbortSignal ends. */
import { setMaxListeners } from "node:events";

/** The same signal: many waits may share one, each with a listener that it takes back, and Node takes more than ten for a leak. */
export function sharedSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal !== undefined) setMaxListeners(0, signal);
  return signal;
}

/** What the work comes to, or the signal's reason as soon as that aborts; nobody hears of the work then. */
export async function orAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work();
  signal.throwIfAborted();
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason as Error); // what the caller gave, whatever it is
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
