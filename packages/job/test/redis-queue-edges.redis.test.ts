/** What only a real Redis can do to a queue: lost replies, wrong types, no memory, hostile keys. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RedisQueueStore, redisQueueStore } from "../../../test/support/queue-stores.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../../../test/support/tcp-proxy.ts";
import { until } from "../../../test/support/until.ts";
import { type Claim, failed, finished, JobClient, type JobQueue, keysOf, QueueError } from "../src/index.ts";
import { begin } from "../src/lua/begin.ts";
import { finish } from "../src/lua/finish.ts";
import { release } from "../src/lua/release.ts";
import { start } from "../src/lua/start.ts";
import { submit } from "../src/lua/submit.ts";

const never = new AbortController().signal;

let server: RedisServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

function makeStore(url = server.url): RedisQueueStore {
  const store = redisQueueStore(url);
  open.push(store);
  return store;
}

async function makeProxy(): Promise<TcpProxy> {
  const proxy = await startTcpProxy(server.socketPath);
  open.push({ close: () => proxy.stop() });
  return proxy;
}

async function take(queue: JobQueue): Promise<Claim> {
  const [claim] = await queue.claim(never, { wait: false });
  if (claim === undefined) throw new Error("nothing was there to claim");
  return claim;
}

describe("a reply that is lost on the way", () => {
  const setup = async () => {
    const proxy = await makeProxy();
    const store = makeStore();
    // Known scripts go by their digest, which is what the proxy listens for.
    for (const { source } of [begin, start, finish, release])
      await store.redis.send(["SCRIPT", "LOAD", source]);
    const prefix = { keyPrefix: store.prefix };
    const queue = makeStore(proxy.url).openRedis(prefix);
    await store.write("a", { payload: "x" });
    await store.push("a");
    return { proxy, store, queue };
  };

  it("of begin: the next claim goes on with the same id, under the same token, and counts once", async () => {
    const { proxy, store, queue } = await setup();
    proxy.loseReplyTo(begin.sha1);
    await expect(take(queue)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(proxy.lostReplies).toBe(1);
    const claim = await take(queue);
    expect(claim).toMatchObject({ jobId: "a", claims: 1 });
    expect((await store.fields("a")).get("token")).toBe(claim.token);
    expect(await store.taken()).toEqual(["a"]);
  });

  it("of begin, with the id put back meanwhile: it is not claimed behind the queue's back", async () => {
    const { proxy, store, queue } = await setup();
    proxy.loseReplyTo(begin.sha1);
    await expect(take(queue)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await store.passTime(100_000);
    const [lease] = (await store.open().overdue()).leases;
    expect(await store.open().reclaim(lease!)).toBe("requeued");
    const claim = await take(queue);
    expect(claim).toMatchObject({ jobId: "a", claims: 2 });
    expect([await store.waiting(), await store.taken()]).toEqual([[], ["a"]]);
  });

  it("of begin for several: the same claims come again, and those that are not wanted any more go back", async () => {
    const { proxy, store, queue } = await setup();
    for (const id of ["b", "c", "d"]) {
      await store.write(id, { payload: id });
      await store.push(id);
    }
    proxy.loseReplyTo(begin.sha1);
    const three = { wait: false, most: 3 };
    await expect(queue.claim(never, three)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await store.waiting()).toEqual(["d"]);
    const tokens = await Promise.all(
      ["a", "b", "c"].map(async (id) => (await store.fields(id)).get("token")),
    );
    const claims = await queue.claim(never, { wait: false, most: 2 });
    expect(
      claims
        .map(({ jobId, token, claims: count }) => [jobId, token, count].join(" "))
        .toSorted((one, other) => one.localeCompare(other)),
    ).toEqual([`b ${tokens[1]} 1`, `c ${tokens[2]} 1`]);
    expect(await store.waiting()).toEqual(["a", "d"]);
    expect((await take(queue)).claims).toBe(1);
  });

  it("of the take itself: the id is adopted and goes back", async () => {
    const { proxy, store, queue } = await setup();
    proxy.loseReplyTo("BLMOVE");
    await expect(queue.claim(never)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await store.taken()).toEqual(["a"]);
    await queue.overdue();
    await store.passTime(100_000);
    const [lease] = (await queue.overdue()).leases;
    expect(await queue.reclaim(lease!)).toBe("requeued");
    expect((await take(queue)).jobId).toBe("a");
  });

  it("of start, settle and release: the call can simply be repeated", async () => {
    const { proxy, store, queue } = await setup();
    const repeated = async <T>(sha1: string, call: () => Promise<T>): Promise<T> => {
      proxy.loseReplyTo(sha1);
      await expect(call()).rejects.toMatchObject({ code: "UNAVAILABLE" });
      return call();
    };
    const first = await take(queue);
    expect(await repeated(release.sha1, () => queue.release(first))).toBe("lost");
    expect(await store.waiting()).toEqual(["a"]);
    const claim = await take(queue);
    expect(await repeated(start.sha1, () => queue.start(claim, { replayGuardMs: 60_000 }))).toBe("started");
    expect((await store.fields("a")).get("attempt")).toBe("1");
    expect(await repeated(finish.sha1, () => queue.settle(claim, finished("done\n")))).toBe("settled");
    expect((await store.fields("a")).get("finals")).toBe("1");
    expect(await store.redis.send(["LLEN", queue.keys.reply("a")])).toBe(1);
  });

  it("of submit: repeating it says that the job exists, and queues it once", async () => {
    const proxy = await makeProxy();
    const store = makeStore();
    await store.redis.send(["SCRIPT", "LOAD", submit.source]);
    const client = await JobClient.connect(proxy.url, { keyPrefix: store.prefix });
    open.push({ close: () => Promise.resolve(client.close()) });
    const job = { id: "b", runner: "r", payload: "x" };
    proxy.loseReplyTo(submit.sha1);
    await expect(client.submit(job)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await client.submit(job)).toMatchObject({ outcome: "exists", status: "queued" });
    expect(await store.waiting()).toEqual(["b"]);
  });
});

describe("keys of another type", () => {
  it("a job key that is no hash: dead list and reply, the key is left alone, the next job runs", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    await store.redis.send(["SET", queue.keys.job("bad"), "text"]);
    await store.push("bad");
    await store.write("good", { payload: "x" });
    await store.push("good");
    expect((await take(queue)).jobId).toBe("good");
    expect(await store.dead()).toEqual(["bad"]);
    expect(await store.reply("bad")).toBe("error");
    expect(String(await store.redis.send(["GET", queue.keys.job("bad")]))).toBe("text");
  });

  it("a job key that changes its type while the job runs: the claim is lost and the id buried", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    await store.write("a", { payload: "x" });
    await store.push("a");
    const claim = await take(queue);
    await store.redis.send(["SET", queue.keys.job("a"), "text"]);
    expect(await queue.start(claim)).toBe("lost");
    expect(await queue.renew([claim])).toEqual(["lost"]);
    expect(await queue.settle(claim, finished(""))).toBe("lost");
    expect(await queue.release(claim)).toBe("lost");
    await queue.appendLog(claim, [{ stream: "out", offset: 0, data: "x" }]);
    expect(await queue.abandon([claim])).toEqual([]);
    await store.passTime(100_000);
    const [lease] = (await queue.overdue()).leases;
    expect(await queue.reclaim(lease!)).toBe("dead");
    expect(await store.reply("a")).toBe("error");
    expect([await store.taken(), await store.leased()]).toEqual([[], []]);
  });

  it("reply and events of another type do not stop an ending", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    await store.redis.send(["SET", queue.keys.reply("a"), "text"]);
    await store.redis.send(["SET", queue.keys.events, "text"]);
    await store.write("a", { payload: "x" });
    await store.push("a");
    const claim = await take(queue);
    await queue.start(claim);
    expect(await queue.settle(claim, finished("ok"))).toBe("settled");
    expect(await store.reply("a")).toBe("finished");
  });

  it("a guard of another type counts as used", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    await store.redis.send(["LPUSH", queue.keys.seen("a"), "x"]);
    await store.write("a", { payload: "x" });
    await store.push("a");
    expect(await queue.start(await take(queue), { replayGuardMs: 1_000 })).toBe("replayed");
  });

  it.each(["queue", "active"] as const)(
    "a %s of another type is an error that names it, and nothing is lost",
    async (name) => {
      const store = makeStore();
      const queue = store.openRedis();
      await store.write("a", { payload: "x" });
      if (name === "active") await store.push("a");
      await store.redis.send(["SET", queue.keys[name], "text"]);
      const error: unknown = await take(queue).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(QueueError);
      expect(error).toMatchObject({ code: "REJECTED" });
      expect(String(error)).toContain("WRONGTYPE");
      await store.redis.send(["DEL", queue.keys[name]]);
      if (name === "queue") await store.push("a");
      expect((await take(queue)).jobId).toBe("a");
    },
  );
});

describe("ids that are not ids", () => {
  it("that are no UTF-8 come to rest in the dead list as the bytes they are", async () => {
    const store = makeStore();
    const told: string[] = [];
    const queue = store.openRedis({ onPutAside: ({ why }) => void told.push(why) });
    const id = Buffer.from([0x61, 0xff, 0xfe, 0x00, 0x0a]);
    await store.redis.send(["LPUSH", queue.keys.queue, id]);
    expect(await queue.claim(never, { wait: false })).toEqual([]);
    expect(await store.redis.send(["LRANGE", queue.keys.dead, "0", "-1"])).toEqual([id]);
    expect(await store.taken()).toEqual([]);
    expect(told).toEqual(["not a job id"]);
  });

  it.each(["waiting", "asking"] as const)("the empty one goes there at once, to who is %s", async (how) => {
    const store = makeStore();
    const told: string[] = [];
    const queue = store.openRedis({ onPutAside: ({ why }) => void told.push(why) });
    const ending = new AbortController();
    if (how === "asking") await store.redis.send(["LPUSH", queue.keys.queue, ""]);
    const claiming = queue.claim(ending.signal, { wait: how === "waiting" });
    if (how === "waiting") await store.redis.send(["LPUSH", queue.keys.queue, ""]);
    await until(() => told.length > 0, "it is put aside");
    ending.abort();
    expect(await claiming).toEqual([]);
    expect([await store.dead(), await store.taken(), told]).toEqual([[""], [], ["not a job id"]]);
  });

  it("that are found in active by a reaper go there too", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    const id = Buffer.from([0xff, 0x20]);
    await store.redis.send(["LPUSH", queue.keys.active, id]);
    await queue.overdue();
    await store.redis.send(["ZINCRBY", queue.keys.leases, "-100000", id]);
    const [lease] = (await queue.overdue()).leases;
    expect(await queue.reclaim(lease!)).toBe("dead");
    expect(await store.redis.send(["LRANGE", queue.keys.dead, "0", "-1"])).toEqual([id]);
    expect([await store.taken(), await store.leased()]).toEqual([[], []]);
  });

  it("the dead list keeps the newest thousand", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    const ids = Array.from({ length: 1_010 }, (_, i) => `not an id ${i}`);
    await store.redis.send(["LPUSH", queue.keys.queue, ...ids]);
    expect(await queue.claim(never, { wait: false })).toEqual([]);
    const dead = await store.dead();
    expect(dead).toHaveLength(1_000);
    expect(dead[0]).toBe("not an id 1009");
  });
});

describe("places that do not fit together", () => {
  it("a lease without a place in active does not hide a taken id without a lease", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    await store.redis.send(["ZADD", queue.keys.leases, "99999999999999", "orphan-lease"]);
    await store.redis.send(["LPUSH", queue.keys.active, "ghost"]);
    await queue.overdue();
    expect((await store.leased()).toSorted()).toEqual(["ghost", "orphan-lease"]);
  });

  it("a leftover lease of a waiting id does not queue it twice", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    await store.write("a", { payload: "x" });
    await store.push("a");
    await store.redis.send(["ZADD", queue.keys.leases, "1", "a"]);
    const [lease] = (await queue.overdue()).leases;
    expect(await queue.reclaim(lease!)).toBe("live");
    expect(await store.waiting()).toEqual(["a"]);
    expect(await store.leased()).toEqual([]);
  });

  it("a begin that comes too late does not take the place of the claim that exists by now", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    const { keys } = queue;
    await store.write("a", { payload: "x" });
    await store.push("a");
    const claim = await take(queue);
    const late = await store.redis.run(
      begin,
      [keys.queue, keys.active, keys.leases, keys.dead, keys.events, keys.recent],
      [keys.job(""), keys.reply(""), "late", "1000", "5", "1000000", "60", "a", "0", "another token"],
    );
    expect(String(late)).toBe("0,a,HELD");
    expect(await store.taken()).toEqual(["a"]);
    expect(await queue.renew([claim])).toEqual(["held"]);
  });

  it("an id in active twice, each time taken: one claim, then nothing is left over", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    await store.write("a", { payload: "x" });
    for (let i = 0; i < 3; i += 1) await store.push("a");
    const claim = await take(queue);
    expect(await queue.claim(never, { wait: false })).toEqual([]);
    await queue.settle(claim, finished(""));
    expect([await store.taken(), await store.leased(), await store.waiting()]).toEqual([[], [], []]);
  });
});

describe("a full Redis (maxmemory, noeviction)", () => {
  it("lets running jobs be renewed, settled and reclaimed, takes no new ones, and goes on when there is room", async () => {
    await using full = await startRedis();
    const store = redisQueueStore(full.url);
    const queue = store.openRedis();
    for (const id of ["a", "b", "c", "d"]) {
      await store.write(id, { payload: "x" });
      await store.push(id);
    }
    const [a, b, c] = [await take(queue), await take(queue), await take(queue)];
    await queue.start(a);
    await queue.start(b);
    await store.redis.send(["CONFIG", "SET", "maxmemory", "1"]);
    await expect(store.write("e", { payload: "x" })).rejects.toMatchObject({ code: "FULL" });
    expect(await queue.renew([a, b, c])).toEqual(["held", "held", "held"]);
    await expect(take(queue)).rejects.toMatchObject({ code: "FULL" });
    await expect(queue.start(c)).rejects.toMatchObject({ code: "FULL" });
    expect(await queue.release(c)).toBe("released");
    expect(await queue.settle(a, finished("stored"))).toBe("settled");
    expect((await store.fields("a")).get("result")).toBe("stored");
    expect((await queue.abandon([b])).map((lease) => lease.jobId)).toEqual(["b"]);
    const [lease] = (await queue.overdue()).leases;
    expect(await queue.reclaim(lease!)).toBe("failed");
    expect(await store.cancel("d")).toBe("cancelled");
    await store.redis.send(["CONFIG", "SET", "maxmemory", "0"]);
    expect((await take(queue)).jobId).toBe("c");
    await store.close();
  });
});

describe("abort", () => {
  it("ends a wait at once through CLIENT UNBLOCK and keeps the connection", async () => {
    const store = makeStore();
    const queue = store.openRedis({ blockSeconds: 30 });
    for (let round = 0; round < 3; round += 1) {
      const stop = new AbortController();
      const claim = queue.claim(stop.signal);
      await until(
        async () => String(await store.redis.send(["CLIENT", "LIST"])).includes("cmd=blmove"),
        "it waits",
      );
      const before = performance.now();
      stop.abort();
      expect(await claim).toEqual([]);
      expect(performance.now() - before).toBeLessThan(1_000);
    }
  });

  it("ends a wait that has not reached Redis yet", async () => {
    const store = makeStore();
    const queue = store.openRedis({ blockSeconds: 30 });
    for (const delay of [0, 1, 2, 3, 5, 8]) {
      const stop = new AbortController();
      const claim = queue.claim(stop.signal);
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay)); // lands in another phase each time
      const before = performance.now();
      stop.abort();
      expect(await claim).toEqual([]);
      expect(performance.now() - before).toBeLessThan(1_500);
    }
  });

  it("loses no id, whenever it comes", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    const ids = Array.from({ length: 40 }, (_, i) => `job-${i}`);
    for (const id of ids) await store.write(id, { payload: "x" });
    const claimed: string[] = [];
    for (const id of ids) {
      const stop = new AbortController();
      const claim = queue.claim(stop.signal);
      const pushing = store.push(id);
      stop.abort();
      await pushing;
      const [got] = await claim;
      if (got !== undefined) claimed.push(got.jobId);
    }
    await queue.overdue();
    const everywhere = [
      ...claimed,
      ...(await store.waiting()),
      ...(await store.taken()).filter((id) => !claimed.includes(id)),
    ];
    expect(everywhere.toSorted()).toEqual(ids.toSorted());
  });

  it("refuses a second claim while one waits", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    const stop = new AbortController();
    const waiting = queue.claim(stop.signal);
    await expect(queue.claim(never)).rejects.toThrow("claim()");
    stop.abort();
    await waiting;
  });
});

describe("results and logs", () => {
  it("expire after their time; a result time of 0 keeps them for ever", async () => {
    const store = makeStore();
    for (const [ttl, low, high] of [
      [100, 95, 100],
      [0, -1, -1],
    ] as const) {
      const queue = store.openRedis({ resultTtlSeconds: ttl });
      const id = `ttl-${ttl}`;
      await store.write(id, { payload: "x" });
      await store.push(id);
      const claim = await take(queue);
      await queue.appendLog(claim, [{ stream: "out", offset: 0, data: "x" }]);
      await queue.settle(claim, failed("timeout", "too slow"));
      const seconds = Number(await store.redis.send(["TTL", queue.keys.job(id)]));
      expect(seconds).toBeGreaterThanOrEqual(low);
      expect(seconds).toBeLessThanOrEqual(high);
      expect(Number(await store.redis.send(["TTL", queue.keys.log(id)]))).toBeGreaterThan(90);
      expect(Number(await store.redis.send(["TTL", queue.keys.reply(id)]))).toBeGreaterThan(3_590);
    }
  });

  it("keeps the newest entries of a long log and numbers them on", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    await store.write("a", { payload: "x" });
    await store.push("a");
    const claim = await take(queue);
    const entry = { stream: "out", offset: 0, data: "x".repeat(100 * 1024) } as const;
    for (let batch = 0; batch < 10; batch += 1)
      await queue.appendLog(
        claim,
        Array.from({ length: 10 }, () => entry),
      );
    const kept = await store.log("a");
    expect(kept).toHaveLength(40); // of 100 KiB each in 4 MiB
    expect([kept[0]!.seq, kept.at(-1)!.seq]).toEqual([61, 100]);
  });

  it("tells followers of the state changes", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    await store.write("a", { payload: "x" });
    await store.push("a");
    const claim = await take(queue);
    await queue.start(claim);
    await queue.settle(claim, failed("timeout", "too slow"));
    const events = await store.redis.send(["XRANGE", keysOf("r", store.prefix).events, "-", "+"]);
    const told = (events as [Buffer, Buffer[]][]).map(([, fields]) => fields.map(String).join(" "));
    expect(told).toEqual([
      "id a status dispatched reason ",
      "id a status started reason ",
      "id a status error reason timeout",
    ]);
  });
});
