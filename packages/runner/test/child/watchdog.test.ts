import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync, readdirSync, readFileSync, writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { probeIsolation } from "@herorunner/runner";
import { afterEach, describe, expect, it } from "vitest";
import { type Behaviour, newTag, processesTagged } from "../../../../test/support/bad-child.ts";
import { until } from "../../../../test/support/until.ts";
import { ownCgroup } from "../../src/child/cgroup-fence.ts";
import { readStat } from "../../src/child/proc.ts";
import { signalProcess } from "../../src/child/signals.ts";
import { Watchdog } from "../../src/child/watchdog.ts";
import { watchdogScript } from "../../src/child/watchdog-script.ts";

const program = fileURLToPath(new URL("../../../../test/support/executor-program.ts", import.meta.url));

/** Behaviours and how many processes each has. */
const hostile: readonly (readonly [Behaviour, number])[] = [
  ...([
    ["hangs", 1],
    ["ignores-term", 2],
    ["stops-its-group", 2],
    ["hangs-with-session", 2],
  ] as const),
  ...([
    ["hangs-with-empty-session", 2],
    ["hangs-with-stopped", 2],
    ["hangs-without-streams", 1],
  ] as const),
];
const processCount = hostile.reduce((sum, [, count]) => sum + count, 0);

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) signalProcess(child.pid ?? 0, "SIGKILL");
});

function sleeper(): ChildProcess {
  const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
  started.push(child);
  return child;
}

function startTicksOf(child: ChildProcess): number {
  return readStat(child.pid ?? 0)?.startTicks ?? 0;
}

/** Control groups are named for the runner's pid. */
function cgroupsOf(pid: number): readonly string[] {
  const own = ownCgroup(
    readFileSync("/proc/self/mountinfo", "latin1"),
    readFileSync("/proc/self/cgroup", "latin1"),
  );
  if (own === undefined) return [];
  return readdirSync(own).filter(
    (name) => name.startsWith("herorunner-") && name.split("-")[2] === String(pid),
  );
}

describe("when the runner is killed with SIGKILL", async () => {
  const levels = await probeIsolation();
  it.each(levels.filter((one) => one.available).map((one) => one.level))(
    "all processes of its jobs are gone within 2 s at level %s",
    async (level) => {
      const tag = newTag();
      const args = ["-C", "@herorunner/source", "--import", "tsx", program, level, tag];
      const runner = spawn(process.execPath, [...args, ...hostile.map(([name]) => name)], {
        stdio: "inherit",
      });
      started.push(runner);
      const left = (): readonly number[] => processesTagged(tag).filter((pid) => pid !== runner.pid);
      try {
        await until(() => left().length >= processCount, "all jobs have all their processes");
        runner.kill("SIGKILL");
        await until(() => left().length === 0, "the processes of the jobs are gone", 2000);
        await until(() => cgroupsOf(runner.pid ?? 0).length === 0, "its control groups are gone");
      } finally {
        for (const pid of left()) signalProcess(pid, "SIGKILL");
      }
    },
  );
});

describe("Watchdog", () => {
  it("is started again when somebody ends it while jobs run", async () => {
    const watchdog = new Watchdog({ markerPrefix: `HERO_RUN_TOKEN=${newTag()}.` });
    watchdog.ensureRunning();
    const first = watchdog.pid ?? 0;
    const unwatch = watchdog.watch(sleeper().pid ?? 0, 1);
    expect(signalProcess(first, "SIGKILL")).toBe(true);
    await until(() => watchdog.pid !== undefined && watchdog.pid !== first, "another one runs");
    unwatch();
    const second = watchdog.pid ?? 0;
    await watchdog.close();
    expect(readStat(second)).toBeUndefined();
  });

  it("goes in peace when the executor is closed, and touches nobody", async () => {
    const watchdog = new Watchdog({ markerPrefix: `HERO_RUN_TOKEN=${newTag()}.` });
    watchdog.ensureRunning();
    const job = sleeper();
    watchdog.watch(job.pid ?? 0, startTicksOf(job));
    await watchdog.close();
    expect(readStat(job.pid ?? 0)?.state).toMatch(/[SDR]/);
  });

  it("kills the groups in its table, but not a stranger who got the number of a job", async () => {
    const [job, stranger] = [sleeper(), sleeper()];
    const folder = mkdtempSync(join(tmpdir(), "herorunner-watchdog-"));
    const table = join(folder, "table");
    writeFileSync(
      table,
      `${job.pid} ${startTicksOf(job)}\n   \n${stranger.pid} ${startTicksOf(stranger) - 1}\n`,
    );
    const fd = openSync(table, "r");
    const stdio = ["pipe", "ignore", "ignore", fd] as const;
    const shell = spawn("/bin/sh", ["-c", watchdogScript, "watchdog", `HERO_RUN_TOKEN=${newTag()}.`, ""], {
      ...{ stdio: [...stdio], detached: true, env: { PATH: process.env["PATH"] } },
    });
    closeSync(fd);
    const jobEnd = once(job, "exit");
    shell.stdin?.destroy();
    expect(await jobEnd).toEqual([null, "SIGKILL"]);
    await once(shell, "exit");
    expect(readStat(stranger.pid ?? 0)?.state).toMatch(/[SDR]/);
    rmSync(folder, { recursive: true });
  });
});
