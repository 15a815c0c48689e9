/** What a spawn server leaves that was ended before it told of it: the runner has the job's marker and nothing else. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { badChild, newTag, processesTagged } from "../../../../test/support/bad-child.ts";
import { until } from "../../../../test/support/until.ts";
import { readStat } from "../../src/child/proc.ts";
import { signalProcess } from "../../src/child/signals.ts";
import { endUnwatched } from "../../src/child/unwatched.ts";

describe("a job of which only the marker is known", () => {
  it("is ended also where its newest session is made anew by an older one", async () => {
    const tag = newTag();
    const marker = `run-${tag}`;
    const { command } = badChild("respawns-in-sessions", {}, tag);
    const env = { ...Object.fromEntries(command.env), HERO_RUN_TOKEN: marker };
    // Each makes the other anew: several rounds may be needed.
    onTestFinished(() => until(() => killed(tag) === 0, "nothing of the job is left"));
    const job = spawn(command.file, [...command.args], { detached: true, stdio: "ignore", env });
    await once(job, "exit");
    await until(() => beganApart(tag), "the two were started at different times");
    await endUnwatched(`HERO_RUN_TOKEN=${marker}`, undefined, undefined);
    expect(processesTagged(tag)).toEqual([]);
  });
});

/**
 * Whether one leads a session and the watcher it has made leads another that began in a later tick. Where both began in the same one
 * nobody is older: the watcher is killed, and the other makes it anew.
 */
function beganApart(tag: string): boolean {
  // Without those who are only forked to sleep: they are younger, and in the session of another.
  const leaders = processesTagged(tag)
    .map(readStat)
    .filter((stat) => stat !== undefined && stat.session === stat.pid);
  for (const watcher of leaders) {
    const maker = leaders.find((stat) => stat?.pid === watcher?.ppid);
    if (watcher === undefined || maker === undefined) continue;
    if (watcher.startTicks > maker.startTicks) return true;
    signalProcess(watcher.pid, "SIGKILL");
  }
  return false;
}

/** How many it has found. */
function killed(tag: string): number {
  const found = processesTagged(tag);
  for (const pid of found) signalProcess(pid, "SIGKILL");
  return found.length;
}
