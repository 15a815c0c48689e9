/** Who is started by which spawn server, and when: a server and its fence have one job at a time, until it was released. */
import { tmpdir } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { needSpawnServer } from "../../../../test/support/native-spawn-server.ts";
import { until } from "../../../../test/support/until.ts";
import type { Fence, FenceMaker } from "../../src/child/fence.ts";
import { chooseIsolation, probeIsolation } from "../../src/child/isolation.ts";
import type { LaunchedProcess } from "../../src/child/launcher.ts";
import {
  createSpawnServerLauncher,
  type SpawnServerLauncher,
  type SpawnServerLauncherOptions,
} from "../../src/child/spawn-server-launcher.ts";

const hasCgroups = (await probeIsolation()).some(({ level, available }) => level === "cgroup" && available);
await needSpawnServer();

describe.each(["native", "python"] as const)("a spawn server, %s, when one job follows another,", (kind) => {
  const closes: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closes.splice(0).toReversed()) await close();
  });

  const open = async (options: SpawnServerLauncherOptions = {}): Promise<SpawnServerLauncher> => {
    const launcher = createSpawnServerLauncher({ programs: [kind], ...options });
    closes.push(() => launcher.close());
    await launcher.ready;
    return launcher;
  };

  const start = async (
    launcher: SpawnServerLauncher,
    script: string,
    onText: (text: string) => void = () => undefined,
  ): Promise<LaunchedProcess> => {
    const launch = await launcher.launch({
      ...{ file: "/bin/sh", args: ["-c", script], env: new Map([["MARKER", "1"]]), cwd: tmpdir(), stdin: "" },
      onStarted: () => undefined,
      onBytes: (_stream, bytes) => onText(Buffer.from(bytes).toString()),
    });
    if (!launch.ok) throw new Error(launch.message);
    return launch.process;
  };

  /** What a job of its own says from beginning to end. */
  const outputOf = async (launcher: SpawnServerLauncher, script: string): Promise<string> => {
    let output = "";
    const job = await start(launcher, script, (text) => (output += text));
    await job.exit;
    await job.outputEnded;
    job.release();
    return output;
  };

  const parentOf = async (launcher: SpawnServerLauncher): Promise<number> =>
    Number(await outputOf(launcher, "echo $PPID"));

  it("has the next one when the one before was released, not already when that has ended", async () => {
    const launcher = await open();
    const [server = 0] = launcher.serverPids;
    const first = await start(launcher, "exit 3");
    expect(await first.exit).toEqual({ kind: "exited", code: 3 });
    await first.outputEnded;
    for (let round = 0; round < 5; round += 1) expect(await parentOf(launcher)).toBe(process.pid);
    first.release();
    expect(await parentOf(launcher)).toBe(server);
  });

  it.runIf(hasCgroups)(
    "lets none be born outside of a control group, also while the one before is being ended",
    async () => {
      const { fences } = await chooseIsolation("cgroup");
      if (fences?.cgroup === undefined) throw new Error("there are no fences");
      closes.push(() => fences.close());
      const launcher = await open({ fences });
      const [server = 0] = launcher.serverPids;
      const groups = fences.cgroup.slice(fences.cgroup.lastIndexOf("/"));
      const groupOf = (): Promise<string> => outputOf(launcher, "grep ^0:: /proc/self/cgroup");

      const first = await start(launcher, "exec sleep 60");
      first.fence?.kill();
      expect(await first.exit).toEqual({ kind: "signalled", signal: "SIGKILL" });
      await first.outputEnded;
      for (let round = 0; round < 5; round += 1) expect(await groupOf()).toContain(`${groups}/`);
      first.release();
      let parent = 0;
      await until(
        async () => (parent = await parentOf(launcher)) === server,
        "the server stands inside again",
      );
      expect(parent).toBe(server);
      expect(await groupOf()).toContain(`${groups}/`);
    },
  );

  it("is given up when somebody in its fence could not be killed", async () => {
    const launcher = await open({ fences: fencesWithSomebodyInside() });
    const [server = 0] = launcher.serverPids;
    const first = await start(launcher, "exec sleep 60");
    process.kill(first.pid, "SIGKILL");
    first.fence?.kill();
    await first.exit;
    await first.outputEnded;
    first.release();
    await until(() => !launcher.serverPids.includes(server), "the server was given up");
    expect(launcher.serversLost).toBe(1);
  });
});

/** Standing fences which are never empty once they were told to kill. */
function fencesWithSomebodyInside(): FenceMaker {
  const make = (): Fence => ({
    ...{ level: "cgroup", wrap: (file, args) => ({ file, args }), exit: (exit) => exit },
    ...{ begin: () => undefined, members: () => [], isEmpty: () => false },
    ...{ kill: () => undefined, release: () => undefined },
  });
  return {
    level: "cgroup",
    make,
    makeStanding: () => {
      let wasEnded = false;
      return {
        procs: "",
        get mustEnter() {
          return wasEnded;
        },
        entered: () => undefined,
        fence: { ...make(), kill: () => void (wasEnded = true) },
      };
    },
    close: () => Promise.resolve(),
  };
}
