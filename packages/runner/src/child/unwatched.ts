/**
 * Ends what a spawn server has started when the server itself was ended: nobody waits for it any more, and perhaps nobody
 * was told of it. Its marker, and its fence where there is one, tell it from all others.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { killAll } from "./ending.ts";
import { ExecWatch } from "./exec-watch.ts";
import type { Fence } from "./fence.ts";
import { environmentOf, holdsEntry, isAlive, LastPid, listPids, readStat } from "./proc.ts";
import { ProcessFamily } from "./process-family.ts";

/** A process that is made just now shows the environment of its server until it begins to become the job. */
const quietLooks = 10;
const betweenLooksMs = 10;
const mostLooks = 200;

/** `pid` leads the job; undefined where nobody knows. `marker` is `NAME=value`. Resolves when nothing is left, or will not die. */
export async function endUnwatched(
  marker: string,
  pid: number | undefined,
  fence: Fence | undefined,
): Promise<void> {
  const lastPid = new LastPid();
  const end = async (session: number, startTicks: number): Promise<boolean> => {
    // Where the leader is not known, the session may be of a helper, and who would make it anew is older.
    const head = { pid: session, startTicks, marker, ...(pid === undefined && { sinceTicks: 0 }) };
    const family = new ProcessFamily(head, lastPid);
    // Before the first one is killed: who has neither mark nor session is found by its parent alone.
    family.scan();
    return (await killAll(family, fence)).length === 0;
  };
  try {
    if (pid === undefined) await endMarked(marker, fence, end);
    else {
      const startTicks = ticksOfMarked(pid, marker);
      // What the fence was told before may have been less.
      if (startTicks !== 0) fence?.begin(pid, startTicks);
      await end(pid, startTicks);
    }
  } finally {
    lastPid.close();
  }
}

async function endMarked(
  marker: string,
  fence: Fence | undefined,
  end: (session: number, startTicks: number) => Promise<boolean>,
): Promise<void> {
  const execs = new ExecWatch();
  let quiet = 0;
  for (let look = 0; look < mostLooks && quiet < quietLooks; look += 1) {
    if (look > 0) await sleep(betweenLooksMs);
    const { sessions, isUnclear } = lookFor(marker, execs);
    const isQuiet = sessions.size === 0 && !isUnclear && (fence?.isEmpty() ?? true);
    quiet = isQuiet ? quiet + 1 : 0;
    if (!isQuiet) fence?.kill();
    for (const [session, startTicks] of sessions) {
      fence?.begin(session, startTicks);
      if (!(await end(session, startTicks))) return;
    }
  }
}

/** 0 when it is gone, and another process has its number or nobody. */
function ticksOfMarked(pid: number, marker: string): number {
  const stat = readStat(pid);
  return stat !== undefined && holdsEntry(environmentOf(stat) ?? "", marker) ? stat.startTicks : 0;
}

/** Whoever has become a job, or was started by it, leads or has a session of the job's: each with when its leader began. */
function lookFor(
  marker: string,
  execs: ExecWatch,
): { readonly sessions: ReadonlyMap<number, number>; readonly isUnclear: boolean } {
  const own = readStat(process.pid)?.session;
  const sessions = new Map<number, number>();
  let isUnclear = false;
  for (const stat of listPids().map(readStat)) {
    if (!isAlive(stat) || stat.session === own) continue;
    const environment = environmentOf(stat);
    if (execs.isOnItsWay(stat, environment)) isUnclear = true;
    // 0: its session was begun outside of our PID namespace, and so by no job.
    if (stat.session === 0 || !holdsEntry(environment ?? "", marker)) continue;
    // While it has a member its number is not given to another.
    sessions.set(stat.session, readStat(stat.session)?.startTicks ?? 0);
  }
  return { sessions, isUnclear };
}
