/** One job from submit to result over every kind of Redis that `--redis-url` can name, and what happens when it moves. */
import { readFile, rm } from "node:fs/promises";
import {
  type Claim,
  finished,
  JobClient,
  type JobQueue,
  checkServer,
  openConnection,
  parseRedisUrl,
  QueueError,
  type RedisConnection,
  RedisJobQueue,
  RedisPresence,
} from "@herorunner/job";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { startCluster } from "../support/redis-cluster.ts";
import { startWithSentinel } from "../support/redis-sentinel.ts";
import { startRedis } from "../support/redis-server.ts";
import { makeCertificates } from "../support/tls-certificates.ts";

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

interface Access {
  readonly runner?: string;
  readonly tlsCa?: string;
  readonly onRepaired?: (jobIds: readonly string[]) => void;
}

function openQueue(url: string, { runner = "my-runner", ...rest }: Access = {}): RedisJobQueue {
  const queue = new RedisJobQueue({ target: parseRedisUrl(url), runner, owner: "test", ...rest });
  open.push(queue);
  return queue;
}

async function openClient(url: string, access: Access = {}): Promise<JobClient> {
  const client = await JobClient.connect(url, access.tlsCa === undefined ? {} : { tlsCa: access.tlsCa });
  open.push(client);
  return client;
}

function openTo(url: string): RedisConnection {
  const connection = openConnection({ target: parseRedisUrl(url), routeKey: "" });
  open.push(connection);
  return connection;
}

async function take(queue: JobQueue): Promise<Claim> {
  const [claim] = await queue.claim(AbortSignal.timeout(40_000));
  if (claim === undefined) throw new Error("nothing was there to claim");
  return claim;
}

/** Repeats a call while the queue is away, as the runner does. */
async function patiently<T>(call: () => Promise<T>): Promise<{ answer: T; refusals: number; ms: number }> {
  const before = performance.now();
  for (let refusals = 0; ; refusals += 1) {
    try {
      return { answer: await call(), refusals, ms: performance.now() - before };
    } catch (error) {
      if (!(error instanceof QueueError) || error.code !== "UNAVAILABLE") throw error;
      if (performance.now() - before > 40_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50)); // the runner's own back-off begins with this
    }
  }
}

async function oneJob(url: string, id: string, access: Access = {}): Promise<void> {
  const { runner = "my-runner" } = access;
  const client = await openClient(url, access);
  const queue = openQueue(url, access);
  expect(await client.submit({ id, runner, payload: "print(1)" })).toMatchObject({ outcome: "created" });
  const waiting = client.wait(id, { timeoutMs: 40_000 });
  const claim = await take(queue);
  expect(claim.jobId).toBe(id);
  expect(await queue.start(claim)).toBe("started");
  await queue.appendLog(claim, [{ stream: "out", offset: 0, data: "1\n" }]);
  expect(await queue.renew([claim])).toEqual(["held"]);
  expect(await queue.settle(claim, finished("1\n"))).toBe("settled");
  expect(await waiting).toMatchObject({ status: "finished", result: "1\n" });
  expect((await queue.overdue()).leases).toEqual([]);
}

describe("a single Redis", () => {
  it("over a unix socket, also in another database", async () => {
    await using server = await startRedis();
    await oneJob(server.url, "a");
    await oneJob(`${server.url}?db=3`, "a");
  });

  it("over TCP", async () => {
    const port = await freePort();
    await using _server = await startRedis({ port });
    await oneJob(`redis://127.0.0.1:${port}/2`, "a");
  });

  it("over TLS with an authority of its own, and not without knowing it", async () => {
    const certificates = await makeCertificates();
    const port = await freePort();
    const { caFile, certFile, keyFile } = certificates;
    const files = ["--tls-ca-cert-file", caFile, "--tls-cert-file", certFile, "--tls-key-file", keyFile];
    await using _server = await startRedis({
      args: ["--tls-port", String(port), "--tls-auth-clients", "no", ...files],
    });
    const url = `rediss://127.0.0.1:${port}`;
    await oneJob(url, "a", { tlsCa: await readFile(caFile, "utf8") });
    await expect(openQueue(url).overdue()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/certificate/),
    });
    await expect(openQueue(`redis://127.0.0.1:${port}`).overdue()).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
    await rm(certificates.folder, { recursive: true });
  });

  it("for users with no more rights than the manual gives them", async () => {
    await using server = await startRedis();
    const admin = openTo(server.url);
    const rules = await manualRules();
    expect(rules.map((rule) => rule[2])).toEqual(["herorunner", "heroclient", "herosupervisor"]);
    for (const rule of rules) await admin.send(rule.map((word) => (word.startsWith(">") ? ">pw" : word)));
    const runner = `unix://herorunner:pw@${server.socketPath}`;
    const queue = openQueue(runner);
    const client = await openClient(`unix://heroclient:pw@${server.socketPath}`);
    await client.submit({ id: "a", runner: "my-runner", payload: "x" });
    await client.submit({ id: "b", runner: "my-runner", payload: "x" });
    expect(await client.cancel("b")).toBe("cancelled");
    const claim = await take(queue);
    expect(await queue.start(claim, { replayGuardMs: 1_000 })).toBe("started");
    await queue.appendLog(claim, [{ stream: "out", offset: 0, data: "1" }]);
    expect(await client.cancel("a")).toBe("requested");
    expect(await queue.renew([claim])).toEqual(["cancel"]);
    const waiting = client.wait("a", { timeoutMs: 40_000 });
    expect(await queue.settle(claim, finished("1"))).toBe("settled");
    expect(await waiting).toMatchObject({ status: "finished" });
    for await (const line of client.logs("a")) expect(line.data).toBe("1");
    await client.submit({ id: "c", runner: "my-runner", payload: "x" }, { mode: "create" });
    await client.start("c", { runner: "my-runner" });
    const second = await take(queue);
    expect(await queue.release(second)).toBe("released");
    const [lease] = await queue.abandon([await take(queue)]);
    expect(await queue.reclaim(lease!)).toBe("requeued");
    await queue.holders();
    const presence = new RedisPresence({ target: parseRedisUrl(runner), runner: "my-runner" });
    open.push(presence);
    const hears = new AbortController();
    const listening = presence.listen(
      { owner: "test", onCancel: () => undefined, onSettings: () => undefined },
      hears.signal,
    );
    const facts = { owner: "test", host: "h", pid: 1, version: "1", isolation: "group", signatures: "off" };
    expect(await presence.beat({ ...facts, slots: 1, busy: 0, lastPollMs: 1 })).toEqual({ paused: false });
    await presence.leave("test");
    hears.abort();
    await listening;
    await admin.send(["LPUSH", "hero:{my-runner}:queue", "not an id", "ghost"]);
    expect((await take(queue)).jobId).toBe("c");
    expect(await queue.claim(AbortSignal.timeout(2_500))).toEqual([]); // meanwhile the ghost is buried
    expect((await client.list({ runner: "my-runner" })).jobs.length).toBeGreaterThan(2);
    await admin.send(["HSET", "hero:runners", "my-runner", "{}"]);
    expect((await client.list({})).jobs.length).toBeGreaterThan(2);
    await client.runner("my-runner");
    const findings = await checkServer(openTo(runner), queue.keys);
    expect(findings.filter(({ ok, severity }) => ok !== true && severity === "refuse")).toEqual([]);
    const stop = new AbortController();
    const idle = queue.claim(stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 50)); // lets the wait reach Redis
    stop.abort();
    expect(await idle).toEqual([]);
    // Where a script swallows a refusal, Redis has written it down all the same.
    expect(await admin.send(["ACL", "LOG"])).toEqual([]);
    await admin.send(["ACL", "SETUSER", "heroclient", "resetkeys", "~hero:{my-runner}:*"]);
    const ofOneRunner = await openClient(`unix://heroclient:pw@${server.socketPath}`);
    const request = { id: "d", runner: "my-runner", payload: "x" };
    expect(await ofOneRunner.submit(request)).toMatchObject({ outcome: "created" });
    expect(await ofOneRunner.get("d", { runner: "my-runner" })).toMatchObject({ status: "queued" });
    await expect(ofOneRunner.get("d")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/name the runner$/),
    });
    const other = openTo(runner);
    for (const command of [
      ["GET", "other"],
      ["FLUSHALL"],
      ["KEYS", "*"],
      ["CONFIG", "SET", "maxmemory", "1"],
    ]) {
      await expect(other.send(command)).rejects.toMatchObject({ code: "DENIED" });
    }
  });
});

/** The ACL lines of docs/operations.md, as commands. */
async function manualRules(): Promise<string[][]> {
  const text = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const joined = text.replaceAll(/ \\\n\s*/g, " ");
  return [...joined.matchAll(/^redis-cli (ACL SETUSER .*)$/gm)].map(([, line]) =>
    line!.replaceAll(/['"]/g, "").split(/\s+/),
  );
}

describe("Sentinel", () => {
  it.each([
    [{}, (port: number) => `redis+sentinel://127.0.0.1:${port}/main?db=1`],
    [{ password: "p1" }, (port: number) => `redis+sentinel://:p1@127.0.0.1:${port}/main`],
    [
      { password: "p1", sentinelPassword: "p2" },
      (port: number) => `redis+sentinel://:p1@127.0.0.1:${port}/main?sentinel_password=p2`,
    ],
    [
      { password: "p1", sentinelPassword: "p1" },
      (port: number) => `redis+sentinel://:p1@127.0.0.1:${port}/main`,
    ],
  ])("finds the master with passwords %j", async (passwords, url) => {
    await using redis = await startWithSentinel(passwords);
    await oneJob(url(redis.sentinelPort), "a");
  });

  it("with a wrong password is DENIED", async () => {
    await using redis = await startWithSentinel({ sentinelPassword: "right" });
    const wrong = openQueue(`redis+sentinel://127.0.0.1:${redis.sentinelPort}/main?sentinel_password=wrong`);
    await expect(wrong.overdue()).rejects.toMatchObject({ code: "DENIED" });
  });

  it("after a failover a held claim is still held and can be settled, and new jobs run", async () => {
    await using redis = await startWithSentinel();
    const url = `redis+sentinel://127.0.0.1:${redis.sentinelPort}/main`;
    const client = await openClient(url);
    const queue = openQueue(url);
    await client.submit({ id: "a", runner: "my-runner", payload: "x" });
    const claim = await take(queue);
    await queue.start(claim);
    // WAIT speaks of this connection's own writes; what came before them is replicated with them.
    await redis.masterAdmin.send(["SET", "written-last", "1"]);
    await redis.masterAdmin.send(["WAIT", "1", "5000"]);
    await redis.master.kill();
    const { answer, refusals, ms } = await patiently(() => queue.renew([claim]));
    expect(answer).toEqual(["held"]);
    expect(refusals).toBeGreaterThan(0);
    console.log(`failover: the claim was renewed again after ${Math.round(ms)} ms`);
    expect(await queue.settle(claim, finished("ok"))).toBe("settled");
    await patiently(() =>
      client.get("a").catch((error: unknown) => Promise.reject(new QueueError("UNAVAILABLE", String(error)))),
    );
    await client.submit({ id: "b", runner: "my-runner", payload: "x" });
    expect((await take(queue)).jobId).toBe("b");
  });

  it("after a failover that lost an ending it is written again", async () => {
    await using redis = await startWithSentinel({ cuttable: true });
    const url = `redis+sentinel://127.0.0.1:${redis.sentinelPort}/main`;
    const repaired: string[] = [];
    const client = await openClient(url);
    const queue = openQueue(url, { onRepaired: (ids) => void repaired.push(...ids) });
    await client.submit({ id: "a", runner: "my-runner", payload: "x" });
    const claim = await take(queue);
    await queue.start(claim);
    await redis.masterAdmin.send(["SET", "written-last", "1"]);
    await redis.masterAdmin.send(["WAIT", "1", "5000"]);
    redis.link?.swallow(true);
    expect(await queue.settle(claim, finished("the only copy"))).toBe("settled");
    await redis.master.kill();
    await redis.failedOver();
    await patiently(() => queue.overdue());
    expect(repaired).toEqual(["a"]);
    expect(await client.get("a")).toMatchObject({ status: "finished", result: "the only copy" });
  });
});

describe("Cluster", () => {
  it("serves runners whose keys lie on different nodes, with a password", async () => {
    await using cluster = await startCluster({ password: "p" });
    const owners = new Set<number>();
    for (let i = 0; i < 6; i += 1) {
      const runner = `runner-${i}`;
      owners.add((await cluster.ownerOf(`hero:{${runner}}:queue`)).port);
      await oneJob(cluster.url, `job-${i}`, { runner });
    }
    expect(owners.size).toBe(3);
    await expect(openQueue(cluster.url.replace(":p@", ":wrong@")).overdue()).rejects.toMatchObject({
      code: "DENIED",
    });
  });

  it("finds a slot again that moved to another node, while a claim waits and another one is held", async () => {
    await using cluster = await startCluster();
    const client = await openClient(cluster.url);
    const queue = openQueue(cluster.url);
    const held = openQueue(cluster.url);
    await client.submit({ id: "a", runner: "my-runner", payload: "x" });
    const claim = await take(held);
    const waiting = patiently(() => queue.claim(AbortSignal.timeout(40_000)));
    const moved = await cluster.moveSlot(queue.keys.queue);
    expect(await cluster.ownerOf(queue.keys.queue)).toBe(moved);
    expect((await patiently(() => held.renew([claim]))).answer).toEqual(["held"]);
    expect(await held.settle(claim, finished(""))).toBe("settled");
    const second = await openClient(cluster.url);
    await second.submit({ id: "b", runner: "my-runner", payload: "x" });
    expect((await waiting).answer?.[0]?.jobId).toBe("b");
  });

  it("goes on with the other nodes while one is down, and with that one when it is back", async () => {
    await using cluster = await startCluster();
    const runners = Array.from({ length: 8 }, (_, i) => `runner-${i}`);
    const homes = await Promise.all(runners.map((runner) => cluster.ownerOf(`hero:{${runner}}:queue`)));
    const [down, up] = [homes[0]!, homes.find((home) => home !== homes[0])!];
    for (const { admin } of cluster.nodes) {
      await admin.send(["CONFIG", "SET", "cluster-require-full-coverage", "no"]);
      await admin.send(["CONFIG", "SET", "appendonly", "yes"]);
    }
    const queue = openQueue(cluster.url, { runner: runners[homes.indexOf(down)]! });
    expect((await queue.overdue()).leases).toEqual([]);
    await down.server.kill();
    await oneJob(cluster.url, "meanwhile", { runner: runners[homes.indexOf(up)]! });
    await expect(queue.overdue()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await down.server.start();
    expect((await patiently(() => queue.overdue())).answer?.leases).toEqual([]);
  });
});
