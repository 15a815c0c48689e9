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
  const end = async (session: number): Promise<boolean> => {
    const startTicks = readStat(session)?.startTicks ?? 0;
    // Where the leader is not known, the session may be of a helper, and who would make it anew is older.
    const head = { pid: session, startTicks, marker, ...(pid === undefined && { sinceTicks: 0 }) };
    const family = new ProcessFamily(head, lastPid);
    // Before the first one is killed: who has neither mark nor session is found by its parent alone.
    family.scan();
    return (await killAll(family, fence)).length === 0;
  };
  try {
    if (pid === undefined) await endMarked(marker, fence, end);
    else await end(pid);
  } finally {
    lastPid.close();
  }
}

async function endMarked(
  marker: string,
  fence: Fence | undefined,
  end: (session: number) => Promise<boolean>,
): Promise<void> {
  const execs = new ExecWatch();
  let quiet = 0;
  for (let look = 0; look < mostLooks && quiet < quietLooks; look += 1) {
    if (look > 0) await sleep(betweenLooksMs);
    const { sessions, isUnclear } = lookFor(marker, execs);
    const isQuiet = sessions.length === 0 && !isUnclear && (fence?.isEmpty() ?? true);
    quiet = isQuiet ? quiet + 1 : 0;
    if (!isQuiet) fence?.kill();
    for (const session of sessions) {
      fence?.begin(session);
      if (!(await end(session))) return;
    }
  }
}

/** Whoever has become a job, or was started by it, leads or has a session of the job's. */
function lookFor(
  marker: string,
  execs: ExecWatch,
): { readonly sessions: readonly number[]; readonly isUnclear: boolean } {
  const own = readStat(process.pid)?.session;
  const sessions = new Set<number>();
  let isUnclear = false;
  for (const stat of listPids().map(readStat)) {
    if (!isAlive(stat) || stat.session === own) continue;
    const environment = environmentOf(stat);
    if (execs.isOnItsWay(stat, environment)) isUnclear = true;
    // 0: its session was begun outside of our PID namespace, and so by no job.
    if (stat.session !== 0 && holdsEntry(environment ?? "", marker)) sessions.add(stat.session);
  }
  return { sessions: [...sessions], isUnclear };
}
