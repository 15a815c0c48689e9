/** A process of ours that must be looked after: by the watchdog, by the search for what it leaves, by its fence. */
import type { Fence } from "./fence.ts";
import type { LeftoverCheck } from "./leftover-check.ts";
import { readStat } from "./proc.ts";
import { ProcessFamily } from "./process-family.ts";
import type { Watchdog } from "./watchdog.ts";

/** The variable that marks every process of a job. A job cannot set it. */
export const markerName = "HERO_RUN_TOKEN";

/** The environment of a job: the marker comes last, where those who start the job look for it. */
export function withMarker(env: ReadonlyMap<string, string>, marker: string): ReadonlyMap<string, string> {
  const others = [...env].filter(([name]) => name !== markerName);
  return new Map([...others, [markerName, marker]]);
}

export interface JobKeepers {
  readonly watchdog: Watchdog;
  readonly leftovers: LeftoverCheck;
}

export interface StartedJob {
  readonly family: ProcessFamily;
  /** When it became known, by `performance.now`. */
  readonly sinceMs: number;
  /** Call when nothing of it is left. */
  readonly forget: () => void;
}

/** Makes a new process known to all who look after it, before it can do much. `marker` is the value of {@link markerName}. */
export function lookAfter(
  { watchdog, leftovers }: JobKeepers,
  pid: number,
  marker: string,
  fence: Fence | undefined,
): StartedJob {
  const startTicks = readStat(pid)?.startTicks ?? 0;
  const unwatch = watchdog.watch(pid, startTicks);
  leftovers.begin(pid);
  fence?.begin(pid);
  return {
    family: new ProcessFamily({ pid, startTicks, marker: `${markerName}=${marker}` }, leftovers.lastPid),
    sinceMs: performance.now(),
    forget: () => {
      leftovers.end(pid);
      unwatch();
    },
  };
}
