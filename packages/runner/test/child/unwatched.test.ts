/** What a spawn server leaves that was ended before it told of it: the runner has the job's marker and nothing else. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { badChild, newTag, processesTagged } from "../../../../test/support/bad-child.ts";
import { until } from "../../../../test/support/until.ts";
import { readStat } from "../../src/child/proc.ts";
import { endUnwatched } from "../../src/child/unwatched.ts";

describe("a job of which only the marker is known", () => {
  it("is ended also where its newest session is made anew by an older one", async () => {
    const tag = newTag();
    const marker = `run-${tag}`;
    const { command } = badChild("respawns-in-sessions", {}, tag);
    const env = { ...Object.fromEntries(command.env), HERO_RUN_TOKEN: marker };
    const job = spawn(command.file, [...command.args], { detached: true, stdio: "ignore", env });
    await once(job, "exit");
    const starts = (): readonly number[] =>
      processesTagged(tag).map((pid) => readStat(pid)?.startTicks ?? Number.NaN);
    // Else it would be chance who is met first.
    await until(() => new Set(starts()).size > 1, "the two were started at different times");
    await endUnwatched(`HERO_RUN_TOKEN=${marker}`, undefined, undefined);
    expect(processesTagged(tag)).toEqual([]);
  });
});
