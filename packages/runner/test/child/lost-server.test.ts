/** A job whose spawn server is ended by somebody, perhaps by the job itself: it is ended too, with all it has started. */
import {
  type ChildExecutor,
  createExecutor,
  createSpawnServerLauncher,
  probeIsolation,
  type SpawnServerLauncher,
} from "@herorunner/runner";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  badChild,
  type Behaviour,
  newTag,
  processesTagged,
  shell,
} from "../../../../test/support/bad-child.ts";
import { needSpawnServer } from "../../../../test/support/native-spawn-server.ts";
import { until } from "../../../../test/support/until.ts";

const never = new AbortController().signal;
const available = (await probeIsolation()).filter((one) => one.available).map((one) => one.level);
// With a PID namespace the job does not see its server, and the kernel ends both.
const levels = available.filter((level) => level !== "pidns");
await needSpawnServer();

describe.each(["native", "python"] as const)("a job that ends its spawn server, %s,", (kind) => {
  describe.each(levels)("at level %s", (level) => {
    let executor: ChildExecutor;
    let launcher: SpawnServerLauncher | undefined;
    beforeAll(async () => {
      executor = await createExecutor({
        isolation: level,
        makeLauncher: (fences) =>
          (launcher = createSpawnServerLauncher({ programs: [kind], ...(fences && { fences }) })),
      });
    });
    afterAll(() => executor.close());

    /** The server that has the next job. */
    const nextServer = async (): Promise<number> => {
      const servers = (): readonly number[] => launcher?.serverPids ?? [];
      await until(async () => {
        if (servers().length > 0) return true;
        await executor.run(shell("exit 0"), never);
        return false;
      }, "there is a server");
      return servers()[0] ?? 0;
    };

    /** Ends its server before anybody is told of it, and then behaves badly. */
    const runAtOnce = async (behaviour: Behaviour): Promise<readonly number[]> => {
      const child = badChild(behaviour);
      const [script = "", tag = ""] = child.command.args;
      const text = `kill -KILL ${await nextServer()}; . ${script}`;
      await executor.run({ ...child.command, args: ["-c", text, script, tag] }, never);
      return child.left();
    };

    // Whoever has neither mark nor session nor a parent is out of reach without a control group, also here.
    const behaviours: readonly Behaviour[] =
      level === "cgroup" ? ["empty-environment", "vanishes"] : ["many-children", "respawns-in-sessions"];
    it.each(behaviours)("before it was announced leaves nobody: %s", async (behaviour) => {
      for (let round = 0; round < 3; round += 1) expect(await runAtOnce(behaviour)).toEqual([]);
    });

    it("ends no other job, also where both were given a marker that is not theirs", async () => {
      const env = new Map([
        ["HERO_RUN_TOKEN", "of-another-runner"],
        ["PATH", process.env["PATH"] ?? ""],
        ["SHARED", "by all"],
      ]);
      const server = await nextServer();
      const first = executor.run(shell(`sleep 0.2; kill -KILL ${server}; sleep 60`, { env }), never);
      const other = await executor.run(shell("sleep 1; echo done", { env }), never);
      expect((await first).ending).toEqual({ kind: "signalled", signal: "SIGKILL" });
      expect(launcher?.serverPids).not.toContain(server);
      expect(other).toMatchObject({ ending: { kind: "exited", code: 0 }, output: { stdout: "done\n" } });
    });

    it("leaves nobody who could only be found by its parent", async () => {
      for (let round = 0; round < 3; round += 1) {
        const tag = newTag();
        const helper = `(exec env -i setsid sleep 300.${tag} </dev/null >/dev/null 2>&1) &`;
        const text = `${helper} sleep 0.05; kill -KILL ${await nextServer()}; exec sleep 300.${tag}`;
        const { ending } = await executor.run(shell(text), never);
        expect(ending).toEqual({ kind: "signalled", signal: "SIGKILL" });
        expect(processesTagged(tag)).toEqual([]);
      }
    });
  });
});
