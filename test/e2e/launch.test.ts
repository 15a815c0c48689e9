/** The daemon as it is started: launch lines, banner, logs, refusals, health, burst. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { startHerorunner } from "../support/herorunner.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { shellHero } from "../support/stand-in-hero.ts";
import { until } from "../support/until.ts";

const password = "rediS-pass.word";
let server: RedisServer;
let redis: RedisClient;
let address: string;
let url: string;

beforeAll(async () => {
  const port = await freePort();
  server = await startRedis({ port, args: ["--requirepass", password] });
  address = `127.0.0.1:${port}`;
  url = `redis://:${password}@${address}`;
  redis = connectRedis(url);
});
afterAll(async () => {
  redis.close();
  await server.stop();
});

test("herorunner --redis-url redis://127.0.0.1:PORT 12001 serves the queue 12001", async () => {
  const open = await startRedis({ port: await freePort() });
  onTestFinished(() => open.stop());
  const client = connectRedis(open.url);
  onTestFinished(() => client.close());
  const port = Number(((await client.call("CONFIG", "GET", "port")) as string[])[1]);
  await startHerorunner(["--redis-url", `redis://127.0.0.1:${port}`, "12001"]);
  await client.submit("12001", "1", { payload: 'print("Hello from heroscript!")' });
  expect(await client.final("12001", "1")).toMatchObject({
    status: "finished",
    result: "Hello from heroscript!\n",
    exit_code: "0",
    attempt: "1",
  });
});

test("the three scripts of the first documentation come back with their results", async () => {
  const runner = await startHerorunner(["-r", url, "my-hero-runner"]);
  await redis.submit("my-hero-runner", "1", { payload: 'print("Hello from heroscript!")' });
  await redis.submit("my-hero-runner", "2", {
    payload: '!!git.list\nprint("Repositories listed")\n!!docker.ps\n',
  });
  await redis.submit("my-hero-runner", "3", {
    payload: "print(env.MY_VAR)",
    env_vars: '{"MY_VAR":"from the job"}',
  });
  expect((await redis.final("my-hero-runner", "1"))["result"]).toBe("Hello from heroscript!\n");
  const second = await redis.final("my-hero-runner", "2");
  expect(second["result"]).toContain("Repositories listed");
  // Without a docker engine the last action fails, and says so; with one it lists.
  if (second["status"] === "error") {
    expect(second).toMatchObject({ reason: "exit_status", exit_code: "1" });
    expect(second["stderr"]).toContain("docker");
  }
  expect((await redis.final("my-hero-runner", "3"))["result"]).toBe("from the job\n");
  expect(runner.stdout()).toContain("job finished id=1");
});

test("the banner says who serves what, and masks the password", async () => {
  const runner = await startHerorunner(["-r", url, "banner", "-c", "3"]);
  const banner = runner.stdout();
  expect(banner).toMatch(/INFO herorunner starts runner=banner version=\S+ redis=redis:\/\/:\*\*\*@/);
  for (const part of ["slots=3", "signatures=off", "isolation=", "invoke=stdin", `pid=${runner.pid}`]) {
    expect(banner).toContain(part);
  }
  expect(banner).toMatch(/INFO hero found hero=\S+\/hero\n/);
  expect(banner).toContain("signatures are off: whoever can write to Redis");
  expect(banner + runner.stderr()).not.toContain(password);
});

test("without hero the banner says what was looked for", async () => {
  const runner = await startHerorunner(["-r", url, "r", "--hero", "hero-of-nowhere"]);
  await runner.logged("hero was not found, jobs will end as hero_not_found");
  expect(runner.stderr()).toContain('"hero-of-nowhere"');
});

test("text lines are time, level, phrase and fields; DEBUG says more, ERROR less", async () => {
  const hero = await shellHero();
  const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
  const debug = await startHerorunner(["-r", url, "text", "--hero", hero], { env: { RUST_LOG: "debug" } });
  await redis.submit("text", "1", { payload: "exit 0" });
  await debug.logged("job finished id=1");
  for (const line of lines(debug.stdout())) {
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|DEBUG) \S.*$/);
  }
  expect(debug.stdout()).toMatch(/DEBUG job claimed id=1 claims=1/);
  const quiet = await startHerorunner(["-r", url, "q", "--log-level", "ERROR", "--listen", "127.0.0.1:0"], {
    waitForStart: false,
  });
  await until(async () => Number(await redis.call("ZCARD", "hero:{q}:instances")) === 1, "it lives");
  expect(quiet.stdout()).toBe("");
});

test("JSON lines carry the same as members", async () => {
  const hero = await shellHero();
  const runner = await startHerorunner(["-r", url, "json", "--hero", hero, "--log-format", "json"]);
  await redis.submit("json", "1", { payload: "exit 3", caller_id: "alice" });
  await runner.logged("job failed");
  const lines = runner
    .stdout()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.find((line) => line["message"] === "herorunner starts")).toMatchObject({
    level: "INFO",
    runner: "json",
    slots: 1,
  });
  expect(lines.find((line) => line["message"] === "job started")).toMatchObject({ id: "1", caller: "alice" });
  expect(lines.find((line) => line["message"] === "job failed")).toMatchObject({
    id: "1",
    reason: "exit_status",
    exit_code: 3,
  });
});

test.each([
  [[], "<runner_id>"],
  [["r", "--concurrency", "0"], "--concurrency"],
  [["r", "-r", "ftp://x"], "-r"],
  [["r", "--trust", "/no/such/trust.json"], "/no/such/trust.json"],
  [["r", "--env-allow", "A-B"], "--env-allow"],
  [["r", "-r", "redis://redis.example.org:6379"], "--signatures off"],
])("herorunner %j is refused with exit code 2 and names %s", async (args, name) => {
  const runner = await startHerorunner(args, { waitForStart: false });
  expect(await runner.exited).toBe(2);
  expect(runner.stderr()).toContain(name);
});

test("an address for --listen that is not free is refused before a job is taken", async () => {
  const first = await startHerorunner(["-r", url, "l1", "--listen", "127.0.0.1:0"]);
  const port = /address=127\.0\.0\.1:(\d+)/.exec(first.stdout())?.[1];
  const second = await startHerorunner(["-r", url, "l2", "--listen", `127.0.0.1:${port}`], {
    waitForStart: false,
  });
  expect(await second.exited).toBe(2);
  expect(second.stderr()).toContain(`--listen 127.0.0.1:${port}`);
});

test("a wrong password ends the start with exit code 3 and does not show it", async () => {
  const runner = await startHerorunner(["-r", `redis://:wr0ng-pass@${address}`, "r"], {
    waitForStart: false,
  });
  expect(await runner.exited).toBe(3);
  expect(runner.stderr()).toMatch(/WRONGPASS|invalid username-password/);
  expect(runner.stdout() + runner.stderr()).not.toContain("wr0ng-pass");
});

test("a Redis that may throw jobs away ends the start with exit code 3 and the command that mends it", async () => {
  const lossy = await startRedis({ args: ["--maxmemory-policy", "allkeys-lru"] });
  onTestFinished(() => lossy.stop());
  const runner = await startHerorunner(["-r", lossy.url, "r"], { waitForStart: false });
  expect(await runner.exited).toBe(3);
  expect(runner.stderr()).toContain("CONFIG SET maxmemory-policy noeviction");
});

test("a Redis that is away at the start is waited for, and SIGTERM still ends the wait", async () => {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-e2e-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const runner = await startHerorunner(["-r", `unix://${folder}/none.sock`, "r"], { waitForStart: false });
  await runner.logged("trying again");
  expect(runner.stderr().match(/trying again/g)).toHaveLength(1);
  runner.signal("SIGTERM");
  expect(await runner.exited).toBe(0);
});

test("--listen answers health, readiness and metrics", async () => {
  const hero = await shellHero();
  const runner = await startHerorunner(["-r", url, "health", "--hero", hero, "--listen", "127.0.0.1:0"]);
  const base = `http://${/address=(\S+)/.exec(runner.stdout())?.[1]}`;
  const get = async (path: string) => {
    const answer = await fetch(base + path);
    return { status: answer.status, text: await answer.text() };
  };
  expect((await get("/healthz")).status).toBe(200);
  await until(async () => (await get("/readyz")).status === 200, "it is ready");
  expect(JSON.parse((await get("/readyz")).text)).toMatchObject({
    ok: true,
    busy: 0,
    slots: 1,
    paused: false,
  });
  await redis.submit("health", "1", { payload: "exit 3" });
  await redis.final("health", "1");
  await until(
    async () =>
      (await get("/metrics")).text.includes('herorunner_jobs_total{status="error",reason="exit_status"} 1'),
    "the job is counted",
  );
  await redis.submit("health", "2", { payload: "sleep 30" });
  await runner.logged("job started id=2");
  expect(JSON.parse((await get("/readyz")).text)).toMatchObject({ ok: true, busy: 1 });
  runner.signal("SIGTERM");
  await until(async () => (await get("/readyz")).text.includes("draining"), "it drains");
});

test("--burst ends with 0 when the queue is empty, and runs everything that was in it", async () => {
  const hero = await shellHero();
  for (let at = 0; at < 5; at += 1) await redis.submit("burst", `b${at}`, { payload: `echo ${at}` });
  const runner = await startHerorunner(["-r", url, "burst", "--burst", "-c", "2", "--hero", hero], {
    waitForStart: false,
  });
  expect(await runner.exited).toBe(0);
  for (let at = 0; at < 5; at += 1) {
    expect(await redis.job("burst", `b${at}`)).toMatchObject({ status: "finished", result: `${at}\n` });
  }
});

test("SIGHUP reads the trust file again; a bad one keeps the old", async () => {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-e2e-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const trust = join(folder, "trust.json");
  const key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
  await writeFile(
    trust,
    JSON.stringify({ audience: "default", threshold: 1, signers: [{ name: "alice", public_key: key }] }),
  );
  const runner = await startHerorunner(["-r", url, "hup", "--trust", trust]);
  expect(runner.stdout()).toContain("signatures=required");
  runner.signal("SIGHUP");
  await runner.logged("trust file read again");
  await writeFile(trust, "{");
  runner.signal("SIGHUP");
  await runner.logged("the old one stays in force");
  await redis.submit("hup", "1", { payload: "print(1)" });
  expect(await redis.final("hup", "1")).toMatchObject({ status: "error", reason: "unsigned" });
});
