/**
 * Tells processes of which it cannot be known yet whose they are: between fork and exec's end a process has no environment to
 * be read, and no arguments either. Everybody else has arguments, also whoever was started without an environment.
 */
import { type ProcessStat, readArguments } from "./proc.ts";

/** Kept short of patience with what only looks like it; a process that gets no processor time needs the most of it. */
const windowMs = 1_000;

/** Remembers what it was asked about: one for each job that is looked after. */
export class ExecWatch {
  /** By pid and start time, when each was first met. */
  readonly #metAtMs = new Map<string, number>();

  /** Whether it is worth another look. `environment` is what was read of it; undefined where that is not allowed. */
  isOnItsWay(stat: ProcessStat, environment: string | undefined): boolean {
    if (environment !== "" || stat.isEnding || stat.isKernel) return false;
    if (readArguments(stat.pid) !== "") return false;
    const key = `${stat.pid}:${stat.startTicks}`;
    const metAtMs = this.#metAtMs.get(key) ?? performance.now();
    this.#metAtMs.set(key, metAtMs);
    return performance.now() - metAtMs < windowMs;
  }
}
