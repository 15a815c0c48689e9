/** Deadlines for those who answer this process: only time in which it ran counts against them. */

/** How many pieces a deadline is counted in. Of the time in which our event loop was held, each counts none but its own. */
const ticks = 10;

/**
 * Calls `late` after `ms` in which this process ran: after a machine that stood still, or an event loop that was held, timers run
 * before what has come meanwhile is heard, and a program that got no processor time has not even asked. Returns what ends the waiting.
 */
export function afterRunning(ms: number, late: () => void): () => void {
  let ticksLeft = ticks;
  const timer = setInterval(() => {
    ticksLeft -= 1;
    if (ticksLeft > 0) return;
    clearInterval(timer);
    late();
  }, ms / ticks);
  return () => clearInterval(timer);
}
