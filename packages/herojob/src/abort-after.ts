/** A signal that aborts when a time is up, however long: a timer of Node that should last for 25 days ends at once. */

const longestMs = 2 ** 31 - 1;

export interface AbortLater {
  readonly signal: AbortSignal;
  /** Ends the clock; the signal aborts no more. */
  stop(): void;
}

/** Never aborts without a time. The caller stops it. */
export function abortAfter(ms: number | undefined): AbortLater {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const count = (leftMs: number): void => {
    if (leftMs <= longestMs) timer = setTimeout(() => over.abort(), leftMs);
    else timer = setTimeout(() => count(leftMs - longestMs), longestMs);
  };
  if (ms !== undefined) count(ms);
  return { signal: over.signal, stop: () => clearTimeout(timer) };
}
