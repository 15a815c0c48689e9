/** Views of what Redis holds: listings page by page, logs from any place, runners, and removing a job. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  keysOf,
  listJobs,
  openConnection,
  parseRedisUrl,
  readJob,
  readLogEntries,
  readRunner,
  type RedisConnection,
  RedisJobQueue,
  RedisPresence,
  removeJob,
} from "../src/index.ts";
import { JobClient } from "../src/client.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";

let server: RedisServer;
let redis: RedisConnection;
let client: JobClient;
let runners = 0;

beforeAll(async () => {
  server = await startRedis();
  redis = openConnection({ target: parseRedisUrl(server.url), routeKey: "x" });
  client = await JobClient.connect(server.url);
});

afterAll(async () => {
  client.close();
  redis.close();
  await server.stop();
});

function setup() {
  const runner = `r${(runners += 1)}`;
  const keys = keysOf(runner);
  const source = { keys, redis };
  const queue = (): RedisJobQueue =>
    new RedisJobQueue({ target: parseRedisUrl(server.url), runner, owner: "o", blockSeconds: 1 });
  const submit = async (...ids: string[]): Promise<void> => {
    for (const id of ids) await client.submit({ runner, id, payload: `print("${id}")` });
  };
  const ids = async (filter: Partial<Parameters<typeof listJobs>[1]> = {}): Promise<readonly string[]> =>
    (await listJobs([source], { limit: 50, ...filter })).jobs.map((job) => job.id);
  return { runner, keys, source, queue, submit, ids };
}

describe("a listing", () => {
  it("has the newest first and every job once, whatever the page size", async () => {
    const { source, submit } = setup();
    const made = Array.from({ length: 137 }, (_, n) => `job-${String(n).padStart(3, "0")}`);
    await submit(...made);
    const pages = async (limit: number): Promise<readonly string[]> => {
      const seen: string[] = [];
      let cursor: string | null | undefined;
      while (cursor !== null) {
        const page = await listJobs([source], { limit, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.jobs.map((job) => job.id));
        cursor = page.nextCursor;
      }
      return seen;
    };
    const whole = await pages(1000);
    expect([...whole].sort()).toEqual(made);
    for (const limit of [1, 7, 50, 137]) expect(await pages(limit)).toEqual(whole);
  });

  it("goes on without a gap or a double when a whole page shares one millisecond", async () => {
    const { source, keys, submit } = setup();
    const made = Array.from({ length: 120 }, (_, n) => `same-${n}`);
    await submit(...made);
    for (const id of made) await redis.send(["ZADD", keys.recent, "5000", id]);
    const first = await listJobs([source], { limit: 33 });
    const second = await listJobs([source], { limit: 1000, cursor: first.nextCursor! });
    const seen = [...first.jobs, ...second.jobs].map((job) => job.id);
    expect(seen).toHaveLength(120);
    expect([...new Set(seen)].sort()).toEqual([...made].sort());
  });

  it("merges several runners by time", async () => {
    const [a, b] = [setup(), setup()];
    await a.submit("a1");
    await b.submit("b1");
    for (const [one, time] of [
      [a, "1"],
      [b, "2"],
    ] as const)
      await redis.send(["ZADD", one.keys.recent, time, `${one === a ? "a" : "b"}1`]);
    await a.submit("a2");
    const page = await listJobs([a.source, b.source], { limit: 2 });
    expect(page.jobs.map((job) => job.id)).toEqual(["a2", "b1"]);
    const rest = await listJobs([a.source, b.source], { limit: 2, cursor: page.nextCursor! });
    expect(rest).toMatchObject({ jobs: [{ id: "a1", runner: a.runner }], nextCursor: null });
  });

  it("shows jobs that were pushed by hand, while they wait and after they were taken", async () => {
    const { keys, ids, queue } = setup();
    await redis.send(["HSET", keys.job("by-hand"), "payload", "x"]);
    await redis.send(["LPUSH", keys.queue, "by-hand"]);
    expect(await ids()).toEqual(["by-hand"]);
    await redis.send(["DEL", keys.recent]);
    const runner = queue();
    await runner.claim(new AbortController().signal);
    runner.close();
    expect(await ids()).toEqual(["by-hand"]);
  });

  it("filters by status, reason, caller and time", async () => {
    const { runner, ids } = setup();
    await client.submit({ runner, id: "waits", payload: "x", callerId: "alice" });
    await client.submit({ runner, id: "gone", payload: "x", callerId: "bob" });
    await client.cancel("gone", { runner });
    expect(await ids({ status: "queued" })).toEqual(["waits"]);
    expect(await ids({ reason: "cancelled" })).toEqual(["gone"]);
    expect(await ids({ callerId: "alice" })).toEqual(["waits"]);
    expect(await ids({ sinceMs: Date.now() + 60_000 })).toEqual([]);
    expect(await ids({ sinceMs: Date.now() - 60_000 })).toHaveLength(2);
  });

  it("filters what clients wrote themselves as it shows it", async () => {
    const { keys, ids, submit } = setup();
    await submit("waits", "odd", "bare");
    await redis.send(["HSET", keys.job("odd"), "status", "dancing"]);
    await redis.send(["HDEL", keys.job("bare"), "status"]);
    await redis.send(["HSET", keys.job("fake"), "status", "error", "reason", "dancing"]);
    await redis.send(["ZADD", keys.recent, "1", "fake"]);
    expect([...(await ids({ status: "queued" }))].sort()).toEqual(["bare", "odd", "waits"]);
    expect(await ids({ status: "error" })).toEqual(["fake"]);
    expect(await ids({ status: "error", reason: "cancelled" })).toEqual([]);
  });

  it("finds the few among many, page by page, every one once", async () => {
    const { source, keys, submit } = setup();
    const needles = Array.from({ length: 30 }, (_, n) => `needle-${n}`);
    await submit(...needles);
    const hay = Array.from({ length: 2_970 }, (_, n) => `hay-${n}`);
    for (const id of hay) void redis.send(["HSET", keys.job(id), "payload", "x", "status", "finished"]);
    const spread = [...hay, ...needles].flatMap((id, n) => [String((n * 997) % 3_000), id]);
    await redis.send(["ZADD", keys.recent, ...spread]);
    const seen: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const from = cursor === undefined ? {} : { cursor };
      const page = await listJobs([source], { limit: 7, status: "queued", ...from });
      seen.push(...page.jobs.map((job) => job.id));
      cursor = page.nextCursor;
    }
    expect(seen).toHaveLength(30);
    expect([...seen].sort()).toEqual([...needles].sort());
  });

  it("drops jobs that have expired, and forgets them", async () => {
    const { keys, ids, submit } = setup();
    await submit("stays", "expires");
    await redis.send(["DEL", keys.job("expires")]);
    expect(await ids()).toEqual(["stays"]);
    expect(await redis.send(["ZCARD", keys.recent])).toBe(1);
  });

  it("keeps at most 10 000 ids of a runner", async () => {
    const { keys, submit } = setup();
    const many = Array.from({ length: 10_050 }, (_, n) => [String(n), `old-${n}`]).flat();
    await redis.send(["ZADD", keys.recent, ...many]);
    await submit("new");
    expect(await redis.send(["ZCARD", keys.recent])).toBe(10_000);
    expect(await redis.send(["ZRANK", keys.recent, "new"])).toBe(9_999);
  });

  it("looks at a bounded number of jobs in one call, and says where to go on", async () => {
    const { source, keys, submit } = setup();
    await submit("needle");
    await redis.send(["ZADD", keys.recent, "1", "needle"]);
    const hay = Array.from({ length: 3_000 }, (_, n) => [String(n + 10), `hay-${n}`]).flat();
    await redis.send(["ZADD", keys.recent, ...hay]);
    const first = await listJobs([source], { limit: 10 });
    expect(first.jobs).toEqual([]);
    const second = await listJobs([source], { limit: 10, cursor: first.nextCursor! });
    expect(second).toMatchObject({ jobs: [{ id: "needle" }], nextCursor: null });
  });

  it("does not carry payloads, output or endless fields", async () => {
    const { runner, keys, source } = setup();
    await client.submit({ runner, id: "big", payload: "x".repeat(500_000), envVars: { A: "1" } });
    await redis.send(["HSET", keys.job("big"), "result", "r", "error", "e".repeat(1_000_000)]);
    const [job] = (await listJobs([source], { limit: 1 })).jobs;
    expect(Object.keys(job!)).not.toContain("payload");
    expect(Object.keys(job!)).not.toContain("result");
    expect(job).toMatchObject({ envNames: ["A"] });
    expect(job!.error).toHaveLength(64 * 1024);
  });

  it("survives keys of other types", async () => {
    const { keys, ids, submit } = setup();
    await submit("fine");
    await redis.send(["SET", keys.job("text"), "x"]);
    await redis.send(["ZADD", keys.recent, "1", "text", "2", "not an id"]);
    expect(await ids()).toEqual(["fine"]);
    await redis.send(["SET", keys.recent, "x"]);
    await redis.send(["DEL", keys.queue]);
    await redis.send(["SET", keys.queue, "x"]);
    expect(await ids()).toEqual([]);
    await expect(ids({ cursor: "nonsense" })).rejects.toThrow(TypeError);
  });
});

describe("a log", () => {
  it("can be read from any place, from either end", async () => {
    const { keys } = setup();
    const log = keys.log("j");
    for (let seq = 5; seq <= 40; seq += 1)
      await redis.send(["XADD", log, "*", "stream", "out", "seq", String(seq), "offset", "0", "data", "x"]);
    const seqs = async (after: number, limit: number): Promise<readonly number[]> =>
      (await readLogEntries(redis, log, { after, limit })).map((entry) => entry.seq);
    for (const after of [0, 3, 4, 5, 6, 20, 30, 38, 39, 40, 99]) {
      for (const limit of [1, 3, 100]) {
        const expected = Array.from({ length: 36 }, (_, n) => n + 5)
          .filter((seq) => seq > after)
          .slice(0, limit);
        expect(await seqs(after, limit)).toEqual(expected);
      }
    }
    expect(await readLogEntries(redis, keys.log("none"), { after: 0, limit: 5 })).toEqual([]);
  });
});

describe("a runner", () => {
  it("that nobody heard of is not alive and has nothing", async () => {
    const { keys, runner } = setup();
    expect(await readRunner(redis, keys)).toEqual({
      ...{ id: runner, alive: false, paused: false, queued: 0, running: 0, dead: 0, instances: [] },
    });
  });

  it("is seen with its processes, its depths and its pause", async () => {
    const { keys, runner, submit } = setup();
    await submit("a", "b");
    await redis.send(["HSET", keys.settings, "paused", "1"]);
    await redis.send(["SET", keys.dead, "another type"]);
    await redis.send(["ZADD", keys.instances, "9000000000000", "odd"]);
    await redis.send(["SET", keys.instance("odd"), "another type"]);
    const presence = new RedisPresence({ target: parseRedisUrl(server.url), runner });
    const report = { owner: "o1", host: "h", pid: 7, version: "1", isolation: "group", signatures: "off" };
    await presence.beat({ ...report, slots: 2, busy: 1, lastPollMs: 12.6 });
    expect(await readRunner(redis, keys)).toMatchObject({
      ...{ alive: true, paused: true, queued: 2, running: 0, dead: 0 },
      instances: [{ ...report, slots: 2, busy: 1, lastPollMs: 13 }],
    });
    await presence.leave("o1");
    presence.close();
    expect(await readRunner(redis, keys)).toMatchObject({ alive: false, instances: [] });
  });
});

describe("removing a job", () => {
  it("takes every trace of one that waits, and refuses one that a runner has", async () => {
    const { keys, runner, submit, queue, ids } = setup();
    await submit("taken", "waits");
    const running = queue();
    await running.claim(new AbortController().signal);
    running.close();
    expect(await removeJob(redis, keys, "taken")).toBe("runs");
    expect(await removeJob(redis, keys, "waits")).toBe("deleted");
    expect(await removeJob(redis, keys, "waits")).toBe("missing");
    expect(await redis.send(["LLEN", keys.queue])).toBe(0);
    expect(await ids()).toEqual(["taken"]);
    expect(await readJob(redis, keys, "waits")).toBeUndefined();
    expect(await readJob(redis, keys, "taken")).toMatchObject({ runner, status: "dispatched" });
  });
});
