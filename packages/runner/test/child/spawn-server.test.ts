import { spawn } from "node:child_process";
import { closeSync, constants, readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { createChildExecutor, createExecutor, type Executor, probeIsolation } from "@herorunner/runner";
import { afterEach, describe, expect, it } from "vitest";
import { executorSuite } from "../../../../test/conformance/executor.ts";
import { commandOf, newTag, processesTagged, shell } from "../../../../test/support/bad-child.ts";
import { needSpawnServer } from "../../../../test/support/native-spawn-server.ts";
import { until } from "../../../../test/support/until.ts";
import { isAlive, listPids, readStat } from "../../src/child/proc.ts";
import { signalGroup, signalProcess } from "../../src/child/signals.ts";
import { createPlainLauncher } from "../../src/child/plain-launcher.ts";
import {
  createSpawnServerLauncher,
  type SpawnServerLauncher,
  type SpawnServerLauncherOptions,
} from "../../src/child/spawn-server-launcher.ts";
import { SpawnServer, type SpawnedProcess, type SpawnRequest } from "../../src/child/spawn-server.ts";
import { findSpawnServerPrograms } from "../../src/child/spawn-server-programs.ts";
import { openRoll } from "../../src/child/spawn-server-set.ts";

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

  it("tells of a real-time signal, which has no name, as a shell does", async () => {
    const { executor } = await open();
    const { ending } = await executor.run(shell("kill -34 $$"), never);
    expect(ending).toEqual({ kind: "exited", code: 162 });
  });

  it("ended by a job, takes that job with it, and the next ones are started without it and then by a new one", async () => {
    const { executor, launcher, server } = await open();
    let pid = 0;
    const running = executor.run(
      shell("echo $$; exec sleep 60"),
      never,
      (_stream, _offset, text) => (pid = Number(text)),
    );
    await until(() => pid !== 0, "the job is announced");
    expect(signalProcess(server, "SIGKILL")).toBe(true);
    expect((await running).ending).toEqual({ kind: "signalled", signal: "SIGKILL" });
    expect(isAlive(readStat(pid))).toBe(false);
    expect(await parentOf(executor)).toBe(process.pid);
    await until(() => launcher.serverPids.length === 1, "there is a new server");
    expect(launcher.serverPids).not.toContain(server);
    expect(launcher.serverPids).toContain(await parentOf(executor));
  });

  it("that was stopped costs one job and no more", async () => {
    const { executor, server } = await open({ answerWithinMs: 2_000 });
    expect(signalProcess(server, "SIGSTOP")).toBe(true);
    const { ending } = await executor.run(commandOf("/bin/true"), never);
    expect(ending).toMatchObject({ kind: "not_started", code: "EPIPE" });
    expect((await executor.run(commandOf("/bin/true"), never)).ending).toEqual({ kind: "exited", code: 0 });
  });

  it("is not given up for a time in which the runner itself stood still", async () => {
    const { executor, launcher, server } = await open({ answerWithinMs: 300 });
    const running = executor.run(commandOf("/bin/true"), never);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    expect((await running).ending).toEqual({ kind: "exited", code: 0 });
    expect(launcher.serverPids).toContain(server);
  });

  it.each(levels)("and its jobs are gone soon after the runner was killed, at level %s", async (level) => {
    const tag = newTag();
    const args = ["-C", "@herorunner/source", "--import", "tsx", program, level, tag];
    const runner = spawn(process.execPath, [...args, "hangs", "ignores-term", "hangs-with-session"], {
      ...{ stdio: "inherit", env: { ...process.env, SPAWN_SERVER: kind } },
    });
    await until(() => processesTagged(tag).length >= 5 + 1, "all behaviours run");
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

describe.each(programs)("a spawn server, %s, alone with its link,", (kind) => {
  const servers: SpawnServer[] = [];
  const pids: number[] = [];
  afterEach(async () => {
    for (const pid of pids.splice(0)) signalGroup(pid, "SIGKILL");
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  const open = async (before: readonly string[] = []): Promise<{ server: SpawnServer; link: Socket }> => {
    const roll = openRoll(1);
    const [found] = findSpawnServerPrograms([kind]);
    const [file, ...args] = [...before, found?.file ?? "", ...(found?.args ?? []), "3", "1", "0", "4"];
    const child = spawn(file, args, {
      ...{ cwd: "/", detached: true, stdio: ["ignore", "ignore", "ignore", roll.file, "pipe"] },
    });
    closeSync(roll.file);
    child.unref();
    const link = child.stdio[4] as Socket;
    const server = new SpawnServer(link);
    servers.push(server);
    expect(await server.enter("")).toBeUndefined();
    return { server, link };
  };
  const requestOf = (file: string, args: readonly string[]): SpawnRequest => {
    const env = new Map([["MARKER", newTag()]]);
    return {
      cwd: "/",
      file,
      args,
      env,
      stdin: undefined,
      onStarted: () => undefined,
      onBytes: () => undefined,
    };
  };
  const start = async (server: SpawnServer, request: SpawnRequest): Promise<SpawnedProcess> => {
    const answer = await server.spawn(request);
    if (!answer.ok) throw new Error(answer.code);
    pids.push(answer.process.pid);
    return answer.process;
  };
  const startShell = (server: SpawnServer, script: string): Promise<SpawnedProcess> =>
    start(server, requestOf("/bin/sh", ["-c", script]));
  const whileStopped = async ({ pid }: SpawnServer, link: Socket, send: () => unknown): Promise<void> => {
    expect(signalProcess(pid, "SIGSTOP")).toBe(true);
    await send();
    await until(() => link.writableLength === 0, "all is sent");
    signalProcess(pid, "SIGCONT");
  };

  it("sleeps while a process that is to be fed has closed its input", async () => {
    const { server } = await open();
    const job = await startShell(server, "exec 0<&- sleep 60");
    await until(() => readStat(job.pid)?.name === "sleep", "the input is closed");
    await until(() => readStat(server.pid)?.state === "S", "the server sleeps");
  });

  it("hears everything that came while it was busy", async () => {
    const { server, link } = await open();
    const job = await startShell(server, "sleep 60 & cat");
    await whileStopped(server, link, () => {
      job.feed("text");
      job.releaseOutput();
    });
    await until(() => server.isFree, "the output was given up");
  });

  it("gives up the output of somebody who writes just then", async () => {
    const { server, link } = await open();
    const job = await startShell(server, "sh -c 'kill -STOP $$; exec yes' & read line");
    const left = (name: string, state: string): boolean =>
      listPids().some((pid) => {
        const stat = readStat(pid);
        return stat?.session === job.pid && stat.name === name && stat.state === state;
      });
    await until(() => left("sh", "T"), "who will write is stopped");
    job.feed("\n");
    await job.ended;
    await whileStopped(server, link, async () => {
      job.releaseOutput();
      signalGroup(job.pid, "SIGCONT");
      await until(() => left("yes", "S"), "the pipe is full");
    });
    await until(() => server.isFree, "the output was given up");
  });

  it("says nothing more of an output that was given up, also not what was on its way", async () => {
    const { server, link } = await open();
    let heard = "";
    const onBytes: SpawnRequest["onBytes"] = (_, bytes) => (heard += Buffer.from(bytes).toString());
    const script = "read line; echo late; exec sleep 60";
    const job = await start(server, { ...requestOf("/bin/sh", ["-c", script]), onBytes });
    link.pause();
    job.feed("\n");
    await until(() => readStat(job.pid)?.name === "sleep", "the job has written");
    await until(() => readStat(server.pid)?.state === "S", "the server has sent it");
    job.releaseOutput();
    signalGroup(job.pid, "SIGKILL");
    link.resume();
    await until(() => server.isFree, "the job is over");
    expect(heard).toBe("");
  });

  it("takes its job with it when the runner goes without having read all", async () => {
    const { server, link } = await open();
    const job = await startShell(server, "read line; head -c 150000 /dev/zero; exec sleep 60");
    link.pause();
    job.feed("\n");
    await until(() => readStat(job.pid)?.name === "sleep", "the job has written");
    await until(() => readStat(server.pid)?.state === "S", "the server has sent it");
    link.destroy();
    await until(() => !isAlive(readStat(job.pid)), "the job is gone");
  });

  it("waits in no pipe, for a job can take back what it has written", async () => {
    const { server } = await open();
    const fds = (): string[] => readdirSync(`/proc/${server.pid}/fd`);
    const before = fds();
    await startShell(server, "sleep 60");
    const pipes = fds().filter((fd) => !before.includes(fd));
    expect(pipes).toHaveLength(3);
    for (const fd of pipes) {
      const text = readFileSync(`/proc/${server.pid}/fdinfo/${fd}`, "latin1");
      const flags = Number.parseInt(/flags:\s*(\d+)/.exec(text)?.[1] ?? "0", 8);
      expect(flags & constants.O_NONBLOCK).toBe(constants.O_NONBLOCK);
    }
  });

  it("lives on when a job's input is larger than a file may be", async () => {
    const { server } = await open(["/bin/sh", "-c", 'ulimit -f 1; exec "$0" "$@"']);
    const answer = await server.spawn({ ...requestOf("/bin/cat", []), stdin: "x".repeat(5_000) });
    expect(answer).toEqual({ ok: false, code: "EFBIG" });
    expect(server.isFree).toBe(true);
  });

  it("says nothing of what is left when a job has made its own parent another's", async () => {
    const { server } = await open();
    const adopt = `import ctypes, os, platform, time
clone, CLONE_PARENT = {"x86_64": 56, "aarch64": 220}[platform.machine()], 0x8000
child = ctypes.CDLL(None).syscall(clone, CLONE_PARENT, 0, 0, 0, 0)
if child == 0:
    os.setsid()
    os.closerange(0, 3)
    time.sleep(60)
os.write(1, b"%d" % child)
time.sleep(0.1)`;
    let child = "";
    const onBytes: SpawnRequest["onBytes"] = (_, bytes) => (child += Buffer.from(bytes).toString());
    const job = await start(server, { ...requestOf("/usr/bin/python3", ["-c", adopt]), stdin: "", onBytes });
    const end = await job.ended;
    expect(child).toMatch(/^[1-9]\d*$/);
    pids.push(Number(child));
    expect(end).toMatchObject({ exit: { kind: "exited", code: 0 }, leftNothing: false });
  });
});
