/** A process of ours that must be looked after: by the watchdog, by the search for what it leaves, by its fence. */
import type { Fence } from "./fence.ts";
import type { LeftoverCheck } from "./leftover-check.ts";
import { isAlive, readStat } from "./proc.ts";
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

export interface NewProcess {
  readonly pid: number;
  /** Whose child it is; undefined when it has ended already. */
  readonly parent?: number;
  /** The value of {@link markerName}. */
  readonly marker: string;
  readonly fence: Fence | undefined;
}

/**
 * When we hear of it it may have ended, and another may have its number: one with another parent. Where the parent has ended too
 * it is nobody's child any more, but still leads its session. 0: it is not there.
 */
function startTicksOf(pid: number, parent: number): number {
  const stat = readStat(pid);
  if (stat === undefined) return 0;
  const isOrphan = stat.session === pid && !isAlive(readStat(parent));
  return stat.ppid === parent || isOrphan ? stat.startTicks : 0;
}

/** Makes a new process known to all who look after it, before it can do much. */
export function lookAfter(
  { watchdog, leftovers }: JobKeepers,
  { pid, parent, marker, fence }: NewProcess,
): StartedJob {
  const startTicks = parent === undefined ? 0 : startTicksOf(pid, parent);
  const unwatch = watchdog.watch(pid, startTicks);
  leftovers.begin(pid);
  fence?.begin(pid, startTicks);
  return {
    family: new ProcessFamily({ pid, startTicks, marker: `${markerName}=${marker}` }, leftovers.lastPid),
    sinceMs: performance.now(),
    forget: () => {
      leftovers.end(pid);
      unwatch();
    },
  };
}
