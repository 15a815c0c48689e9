/**
 * Ends what a spawn server has started when the server itself was ended: nobody waits for it any more, and perhaps nobody
 * was told of it. Its marker, and its fence where there is one, tell it from all others.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { killAll } from "./ending.ts";
import type { Fence } from "./fence.ts";
import { environmentOf, holdsEntry, isAlive, LastPid, listPids, readStat } from "./proc.ts";
import { ProcessFamily } from "./process-family.ts";

/** A process that is made just now shows the environment of its server until it has become the job. */
const quietLooks = 4;
const betweenLooksMs = 5;
const mostLooks = 50;

/** `pid` leads the job; undefined where nobody knows. `marker` is `NAME=value`. Resolves when nothing is left, or will not die. */
export async function endUnwatched(
  marker: string,
  pid: number | undefined,
  fence: Fence | undefined,
): Promise<void> {
  const lastPid = new LastPid();
  const end = async (session: number): Promise<boolean> => {
    const startTicks = readStat(session)?.startTicks ?? 0;
    const family = new ProcessFamily({ pid: session, startTicks, marker }, lastPid);
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
  let quiet = 0;
  for (let look = 0; look < mostLooks && quiet < quietLooks; look += 1) {
    if (look > 0) await sleep(betweenLooksMs);
    const sessions = sessionsMarked(marker);
    quiet = sessions.length === 0 && (fence?.isEmpty() ?? true) ? quiet + 1 : 0;
    if (quiet === 0) fence?.kill();
    for (const session of sessions) {
      fence?.begin(session);
      if (!(await end(session))) return;
    }
  }
}

/** Whoever has become a job, or was started by it, leads or has a session of the job's. */
function sessionsMarked(marker: string): readonly number[] {
  const own = readStat(process.pid)?.session;
  const living = listPids()
    .map(readStat)
    .filter(isAlive)
    .filter(({ session }) => session !== own);
  const marked = living.filter((stat) => holdsEntry(environmentOf(stat) ?? "", marker));
  return [...new Set(marked.map(({ session }) => session))];
}
