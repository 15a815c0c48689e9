import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createChildExecutor, createExecutor, type Executor, probeIsolation } from "@herorunner/runner";
import { afterEach, describe, expect, it } from "vitest";
import { executorSuite } from "../../../../test/conformance/executor.ts";
import { badChild, commandOf, newTag, processesTagged, shell } from "../../../../test/support/bad-child.ts";
import { needSpawnServer } from "../../../../test/support/native-spawn-server.ts";
import { until } from "../../../../test/support/until.ts";
import { isAlive, readStat } from "../../src/child/proc.ts";
import { createPlainLauncher } from "../../src/child/plain-launcher.ts";
import {
  createSpawnServerLauncher,
  type SpawnServerLauncher,
  type SpawnServerLauncherOptions,
} from "../../src/child/spawn-server-launcher.ts";

const program = fileURLToPath(new URL("../../../../test/support/executor-program.ts", import.meta.url));
const levels = (await probeIsolation()).filter((one) => one.available).map((one) => one.level);
const never = new AbortController().signal;

const programs = ["native", "python"] as const;
await needSpawnServer();

for (const [level, kind] of levels.flatMap((level) => programs.map((kind) => [level, kind] as const))) {
  executorSuite(
    `level ${level}, through ${kind} spawn servers`,
    async () => {
      let launcher: SpawnServerLauncher | undefined;
      const executor = await createExecutor({
        isolation: level,
        makeLauncher: (fences) =>
          (launcher = createSpawnServerLauncher({
            concurrency: 4,
            programs: [kind],
            ...(fences && { fences }),
          })),
      });
      if ((await launcher?.ready) === true && launcher?.program === kind) return executor;
      throw new Error(`no ${kind} spawn server works on this machine; see docs/performance.md`);
    },
    { endsEverything: level !== "group", helpersMayFinish: level !== "pidns" },
  );
}

describe.each(programs)("a spawn server, %s,", (kind) => {
  const executors: Executor[] = [];
  afterEach(async () => {
    await Promise.all(executors.splice(0).map((executor) => executor.close()));
  });
  const open = async (
    options: SpawnServerLauncherOptions = {},
  ): Promise<{ executor: Executor; launcher: SpawnServerLauncher; server: number }> => {
    const launcher = createSpawnServerLauncher({ programs: [kind], ...options });
    await launcher.ready;
    const executor = createChildExecutor({ makeLauncher: () => launcher });
    executors.push(executor);
    return { executor, launcher, server: launcher.serverPids[0] ?? 0 };
  };
  const parentOf = async (executor: Executor): Promise<number> => {
    const { output } = await executor.run(shell("echo $PPID"), never);
    return Number(output.stdout);
  };

  it("is who starts the jobs", async () => {
    const { executor, server } = await open();
    expect(await parentOf(executor)).toBe(server);
  });

  it("gives a job what plain spawn gives: signals, limits, descriptors, mask, priority", async () => {
    const plain = createChildExecutor({ makeLauncher: createPlainLauncher });
    executors.push(plain);
    const { executor } = await open();
    const look = shell(
      "grep -E '^(Sig[PBIC]|Shd|Cap|NoNewPrivs|Seccomp:|Umask)' /proc/self/status; cat /proc/self/limits /proc/self/cgroup; " +
        "umask; nice; ls /proc/self/fd; stat -L -c %F /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2",
      { stdin: "text" },
    );
    const [through, direct] = await Promise.all([executor.run(look, never), plain.run(look, never)]);
    // posix_spawn, which Python has to use, leaves two inner signals of some C libraries, 32 and 33, ignored.
    const ignored = kind === "python" ? "SigIgn:\t0000000180000000" : "none is";
    const text = through.output.stdout.replace(ignored, "SigIgn:\t0000000000000000");
    expect(text).toBe(direct.output.stdout);
    expect(text).toContain("SigIgn:\t0000000000000000");
    expect(text).toMatch(/\nregular file\nfifo\nfifo\n$/);
  });

  it("tells every exit code and every deadly signal", async () => {
    const { executor } = await open();
    for (const code of [0, 1, 128, 137, 143, 255]) {
      const { ending } = await executor.run(shell(`exit ${code}`), never);
      expect(ending).toEqual({ kind: "exited", code });
    }
    for (const signal of [
      "SIGHUP",
      "SIGABRT",
      "SIGKILL",
      "SIGSEGV",
      "SIGPIPE",
      "SIGTERM",
      "SIGXFSZ",
    ] as const) {
      const { ending } = await executor.run(shell(`kill -${signal.slice(3)} $$`), never);
      expect(ending).toEqual({ kind: "signalled", signal });
    }
  });

  it("ended by a job, takes that job with it, and the next ones are started without it and then by a new one", async () => {
    const { executor, launcher, server } = await open();
    const child = badChild("hangs");
    const running = executor.run(child.command, never);
    await until(() => child.left().length > 0, "the child runs");
    process.kill(server, "SIGKILL");
    expect((await running).ending).toEqual({ kind: "signalled", signal: "SIGKILL" });
    expect(child.left()).toEqual([]);
    expect(await parentOf(executor)).toBe(process.pid);
    await until(() => launcher.serverPids.length === 1, "there is a new server");
    expect(launcher.serverPids).not.toContain(server);
    expect(launcher.serverPids).toContain(await parentOf(executor));
  });

  it("that was stopped costs one job and no more", async () => {
    const { executor, server } = await open({ answerWithinMs: 300 });
    process.kill(server, "SIGSTOP");
    const { ending } = await executor.run(commandOf("/bin/true"), never);
    expect(ending).toMatchObject({ kind: "not_started", code: "EPIPE" });
    expect((await executor.run(commandOf("/bin/true"), never)).ending).toEqual({ kind: "exited", code: 0 });
  });

  it.each(levels)("and its jobs are gone soon after the runner was killed, at level %s", async (level) => {
    const tag = newTag();
    const args = ["-C", "@herorunner/source", "--import", "tsx", program, level, tag];
    const runner = spawn(process.execPath, [...args, "hangs", "ignores-term", "hangs-with-session"], {
      ...{ stdio: "inherit", env: { ...process.env, SPAWN_SERVER: kind } },
    });
    await until(() => processesTagged(tag).length >= 5 + 1, "all behaviours run", 15_000);
    const servers = processesTagged("herorunner-spawn-server").filter(
      (pid) => readStat(pid)?.ppid === runner.pid,
    );
    expect(servers.length).toBeGreaterThan(0);
    runner.kill("SIGKILL");
    await until(() => processesTagged(tag).length === 0, "nothing is left", 5_000);
    await until(() => servers.every((pid) => !isAlive(readStat(pid))), "the server is gone");
  });

  it("ends with the executor", async () => {
    const { executor, server } = await open();
    await executor.run(commandOf("/bin/true"), never);
    await executor.close();
    await until(() => !isAlive(readStat(server)), "the server is gone");
  });
});
