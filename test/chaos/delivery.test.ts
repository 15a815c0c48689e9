/** Delivery under faults, one fault at a time, on the real daemon. */
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Herorunner, startHerorunner } from "../support/herorunner.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "../support/redis-server.ts";
import { shellHero } from "../support/stand-in-hero.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";

const runner = "r";
const aof = ["--appendonly", "yes"];

interface Setup {
  readonly server: RedisServer;
  readonly redis: RedisClient;
  readonly start: (...args: string[]) => Promise<Herorunner>;
  /** A runner that reaches Redis through this proxy only. */
  readonly startBehind: (proxy: TcpProxy, ...args: string[]) => Promise<Herorunner>;
  readonly submit: (id: string, payload: string, maxAttempts?: number) => Promise<void>;
  readonly status: (id: string) => Promise<string>;
  readonly started: (id: string) => Promise<void>;
}

async function setup(options: RedisServerOptions = { args: aof }): Promise<Setup> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  const redis = connectRedis(server.url);
  onTestFinished(() => redis.close());
  const hero = await shellHero();
  const startAt = (url: string, args: readonly string[]): Promise<Herorunner> =>
    startHerorunner(["-r", url, "--hero", hero, "--isolation", "group", ...args, runner]);
  const status = async (id: string): Promise<string> =>
    String(await redis.call("HGET", `hero:{${runner}}:job:${id}`, "status"));
  return {
    server,
    redis,
    status,
    start: (...args) => startAt(server.url, args),
    startBehind: (proxy, ...args) => startAt(proxy.url, args),
    submit: (id, payload, maxAttempts = 1) =>
      redis.submit(runner, id, { payload, max_attempts: String(maxAttempts) }),
    started: (id) => until(async () => (await status(id)) === "started", `${id} is started`),
  };
}

function alive(pid: number): boolean {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

describe("a runner that is killed", () => {
  it("leaves its jobs to its successor on the same host, within two seconds of that one's start", async () => {
    const { redis, start, submit, started } = await setup();
    const first = await start("--concurrency", "2");
    await submit("once", "exec sleep 300");
    const again = join(first.folder, "again");
    await submit("twice", `if [ -e ${again} ]; then echo second; else touch ${again}; exec sleep 300; fi`, 2);
    await started("once");
    await until(() => existsSync(again), "the first attempt runs");
    first.signal("SIGKILL");
    await first.exited;
    await start("--concurrency", "2");
    const beganMs = performance.now();
    expect(await redis.final(runner, "once")).toMatchObject({
      status: "error",
      reason: "runner_lost",
      finals: "1",
    });
    const tookMs = performance.now() - beganMs;
    expect(tookMs).toBeLessThan(3_500);
    expect(await redis.final(runner, "twice")).toMatchObject({ attempt: "2", claims: "2" });
    console.log(`same host: settled ${Math.round(tookMs)} ms after the start of the successor`);
  });

  it("leaves them to another host within ten seconds, and its processes are gone by then", async () => {
    const { redis, start, submit, started } = await setup();
    const first = await start("--host-id", "one");
    const pidFile = join(first.folder, "pid");
    await submit("a", `echo $$ > ${pidFile}; exec sleep 300`);
    await started("a");
    await until(() => Number(readFileSync(pidFile, { encoding: "utf8", flag: "a+" })) > 0, "the job runs");
    const second = await start("--host-id", "two");
    const pid = Number(readFileSync(pidFile, "utf8"));
    const beganMs = performance.now();
    first.signal("SIGKILL");
    expect(await redis.final(runner, "a")).toMatchObject({ status: "error", reason: "runner_lost" });
    const tookMs = performance.now() - beganMs;
    console.log(`another host: settled ${Math.round(tookMs)} ms after the kill`);
    expect(tookMs).toBeLessThan(10_500);
    expect(alive(pid)).toBe(false);
    await second.logged("took over a job whose runner is gone");
  });
});

describe("a runner that is stopped and wakes up too late", () => {
  it("has its result refused and ends the job's process", async () => {
    const { redis, start, submit, started } = await setup();
    const zombie = await start("--host-id", "one");
    const pidFile = join(zombie.folder, "pid");
    await submit("a", `echo $$ > ${pidFile}; exec sleep 300`);
    await started("a");
    await until(() => Number(readFileSync(pidFile, { encoding: "utf8", flag: "a+" })) > 0, "the job runs");
    await start("--host-id", "two");
    zombie.signal("SIGSTOP");
    const ending = await redis.final(runner, "a");
    expect(ending).toMatchObject({ status: "error", reason: "runner_lost" });
    zombie.signal("SIGCONT");
    await zombie.logged("the claim moved on to somebody else");
    expect(alive(Number(readFileSync(pidFile, "utf8")))).toBe(false);
    expect(await redis.job(runner, "a")).toEqual(ending);
    await submit("b", "echo both work");
    expect(await redis.final(runner, "b")).toMatchObject({ status: "finished" });
  });
});

describe("a runner that is cut off from Redis for longer than a lease", () => {
  it("goes on with its job when nobody else takes it, and stores the result", async () => {
    const { server, redis, startBehind, submit, started } = await setup();
    await using proxy = await startTcpProxy(server.socketPath);
    const alone = await startBehind(proxy);
    const go = join(alone.folder, "go");
    await submit("a", `until [ -e ${go} ]; do sleep 0.05; done; echo survived`, 2);
    await started("a");
    proxy.swallow(true);
    await until(async () => (await leaseLeftMs(redis, "a")) < -3_000, "the lease is long over");
    proxy.swallow(false);
    await until(async () => (await leaseLeftMs(redis, "a")) > 0, "it is renewed");
    await writeFile(go, "");
    expect(await redis.final(runner, "a")).toMatchObject({
      result: "survived\n",
      attempt: "1",
      claims: "1",
    });
  });

  it("ends it, and writes nothing, when it hears that somebody else has it", async () => {
    const { server, redis, start, startBehind, submit, started } = await setup();
    await using proxy = await startTcpProxy(server.socketPath);
    const first = await startBehind(proxy, "--host-id", "one");
    const [pids, go] = [join(first.folder, "pids"), join(first.folder, "go")];
    const running = (): number[] =>
      readFileSync(pids, { encoding: "utf8", flag: "a+" }).split("\n").filter(Boolean).map(Number);
    await submit("a", `echo $$ >> ${pids}; until [ -e ${go} ]; do sleep 0.05; done; echo by $$`, 2);
    await started("a");
    await until(() => running().length === 1, "the job runs");
    await start("--host-id", "two");
    proxy.swallow(true);
    await until(() => running().length === 2, "another one has started it again");
    const [early, late] = running();
    expect([early, late].map((pid) => alive(pid!))).toEqual([true, true]); // nobody can promise more: docs/adr/0002-delivery.md
    proxy.swallow(false);
    await first.logged("the claim moved on to somebody else");
    expect([early, late].map((pid) => alive(pid!))).toEqual([false, true]);
    await writeFile(go, "");
    expect(await redis.final(runner, "a")).toMatchObject({
      result: `by ${late}\n`,
      attempt: "2",
      finals: "1",
    });
  });
});

/** Negative once it is over. */
async function leaseLeftMs(redis: RedisClient, id: string): Promise<number> {
  const [seconds, micros] = (await redis.call("TIME")) as [string, string]; // as Redis documents it
  const end = Number(await redis.call("ZSCORE", `hero:{${runner}}:leases`, id));
  return end - (Number(seconds) * 1000 + Number(micros) / 1000);
}

describe("a Redis that goes away", () => {
  it("while a job runs: the job goes on, and its result is stored when Redis is back", async () => {
    const { server, redis, start, submit, started } = await setup();
    const process = await start();
    const go = join(process.folder, "go");
    await submit("a", `until [ -e ${go} ]; do sleep 0.05; done; echo survived`);
    await started("a");
    await server.kill();
    await process.logged("the queue is in trouble");
    await writeFile(go, "");
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // several tries to store it fail
    const complaints = process.stderr().split("the queue is in trouble").length - 1;
    expect(complaints).toBeLessThanOrEqual(3); // the reset, then that nobody listens: not a line per try
    await server.start();
    expect(await redis.final(runner, "a")).toMatchObject({
      status: "finished",
      result: "survived\n",
      finals: "1",
    });
    await process.logged("the queue is back");
    await submit("b", "echo next");
    expect(await redis.final(runner, "b")).toMatchObject({ status: "finished" });
  });

  it("frozen for longer than a lease: nothing is taken from its owner", async () => {
    const { server, redis, start, submit, started } = await setup();
    await start("--host-id", "one");
    await start("--host-id", "two");
    for (const id of ["a", "b"]) await submit(id, "sleep 12; echo fine");
    for (const id of ["a", "b"]) await started(id);
    server.freeze();
    await new Promise((resolve) => setTimeout(resolve, 8_000)); // two seconds beyond the lease
    server.thaw();
    for (const id of ["a", "b"]) {
      expect(await redis.final(runner, id)).toMatchObject({ status: "finished", attempt: "1", claims: "1" });
    }
  });

  it("and comes back empty: the job's process is ended and the runner goes on", async () => {
    const { server, redis, start, submit, started } = await setup({});
    const process = await start();
    const pidFile = join(process.folder, "pid");
    await submit("a", `echo $$ > ${pidFile}; exec sleep 300`);
    await started("a");
    await until(() => Number(readFileSync(pidFile, { encoding: "utf8", flag: "a+" })) > 0, "the job runs");
    await server.kill();
    await server.start();
    await process.logged("the claim moved on to somebody else");
    expect(alive(Number(readFileSync(pidFile, "utf8")))).toBe(false);
    expect(await redis.call("EXISTS", `hero:{${runner}}:job:a`)).toBe(0);
    await submit("b", "echo next");
    expect(await redis.final(runner, "b")).toMatchObject({ status: "finished" });
  });

  it("and is full: running jobs are stored, new ones wait until there is room", async () => {
    const { redis, start, submit, started, status } = await setup();
    const process = await start();
    const go = join(process.folder, "go");
    await submit("a", `until [ -e ${go} ]; do sleep 0.05; done; echo stored`);
    await started("a");
    await submit("b", "echo later");
    await redis.call("CONFIG", "SET", "maxmemory", "1");
    await writeFile(go, "");
    expect(await redis.final(runner, "a")).toMatchObject({ status: "finished", result: "stored\n" });
    await process.logged(/in trouble.*FULL/);
    expect(await status("b")).not.toBe("finished");
    await redis.call("CONFIG", "SET", "maxmemory", "0");
    expect(await redis.final(runner, "b")).toMatchObject({ status: "finished", claims: "1" });
  });

  it("does not keep a runner without jobs from stopping", async () => {
    const { server, start } = await setup();
    const process = await start();
    await server.kill();
    await process.logged("the queue is in trouble");
    const beganMs = performance.now();
    process.signal("SIGTERM");
    expect(await process.exited).toBe(0);
    expect(performance.now() - beganMs).toBeLessThan(8_000);
  });

  it("does not keep a runner with a job from stopping: the second signal ends both", async () => {
    const { server, start, submit, started } = await setup();
    const process = await start("--grace", "1");
    const pidFile = join(process.folder, "pid");
    await submit("a", `echo $$ > ${pidFile}; exec sleep 300`);
    await started("a");
    await until(() => Number(readFileSync(pidFile, { encoding: "utf8", flag: "a+" })) > 0, "the job runs");
    await server.kill();
    const beganMs = performance.now();
    process.signal("SIGTERM");
    await process.logged("draining"); // two signals that wait for the same process are one
    process.signal("SIGTERM");
    expect(await process.exited).toBe(1);
    console.log(`Redis away: gone ${Math.round(performance.now() - beganMs)} ms after the second signal`);
    expect(alive(Number(readFileSync(pidFile, "utf8")))).toBe(false);
  });
});
