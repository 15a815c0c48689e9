/**
 * Ends the processes of a job: first asked (SIGTERM), later told (SIGKILL), until two looks in a row find none.
 * One look is not enough: a process can be born behind the place where the look has already been.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fence } from "./fence.ts";
import type { Member, ProcessFamily } from "./process-family.ts";
import { isAlive, readStat } from "./proc.ts";
import { groupExists, signalGroup } from "./signals.ts";

/** Pauses between two rounds: the kernel needs a moment to bury the dead, and longer for a large address space. */
const pausesMs = [1, 2, 5, 10, 20];
const maxRounds = 150;

/** SIGTERM to all, with SIGCONT, for a stopped process does not notice SIGTERM. */
export function askToEnd(family: ProcessFamily, fence: Fence | undefined): void {
  if (fence !== undefined) family.adopt(fence.members(), fence.level);
  const members = family.scan();
  family.signal(members, "SIGTERM");
  family.signal(members, "SIGCONT");
}

/** Waits until every known member is gone, `graceMs` at most. `mainEnded` resolves when the main process has ended. */
export async function waitUntilGone(
  family: ProcessFamily,
  mainEnded: Promise<unknown>,
  graceMs: number,
): Promise<void> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), graceMs);
  const outOfPatience = new Promise<void>((resolve) => {
    patience.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([mainEnded, outOfPatience]);
  while (!patience.signal.aborted && !isGone(family)) {
    await sleep(20, undefined, { signal: patience.signal }).catch(() => undefined);
  }
  clearTimeout(timer);
}

/** SIGKILL in rounds. Answers the members that would not die (asleep in the kernel, or not ours to signal). */
export async function killAll(family: ProcessFamily, fence: Fence | undefined): Promise<readonly Member[]> {
  let quiet = 0;
  for (let round = 0; ; round += 1) {
    if (fence !== undefined) {
      family.adopt(fence.members(), fence.level);
      fence.kill();
    }
    const alive = killRound(family);
    const isQuiet = alive.length === 0 && !family.isUnclear && (fence?.isEmpty() ?? true);
    quiet = isQuiet ? quiet + 1 : 0;
    if (quiet === 2) return [];
    if (round === maxRounds) return alive;
    await sleep(quiet > 0 ? 0 : (pausesMs[Math.min(round, pausesMs.length - 1)] ?? 20));
  }
}

/** The group goes first and at once, so that no member of it can fork meanwhile. */
function killRound(family: ProcessFamily): readonly Member[] {
  if (family.ownsGroup()) signalGroup(family.head.pid, "SIGKILL");
  return family.scan((member) => family.kill(member));
}

function isGone(family: ProcessFamily): boolean {
  if (groupExists(family.head.pid) && family.scan().length > 0) return false;
  return family.found.every((member) => {
    const stat = readStat(member.pid);
    return stat?.startTicks !== member.startTicks || !isAlive(stat);
  });
}
