/**
 * Waits for a condition instead of a duration. Looks again every few milliseconds until it holds or the deadline passes.
 * The deadline is for what never comes, on the slowest machine: name one only where what is tested promises it.
 */
import { setTimeout as sleep } from "node:timers/promises";

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 40_000,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`gave up after ${deadlineMs} ms waiting until ${what}`);
    await sleep(5);
  }
}
