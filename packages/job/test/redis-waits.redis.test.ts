/** A wait for jobs on a real Redis: BLMOVE, and the script begin behind it before that has answered. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RedisQueueStore, redisQueueStore } from "../../../test/support/queue-stores.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { until } from "../../../test/support/until.ts";
import { type Claim, finished, type JobQueue } from "../src/index.ts";
import { begin } from "../src/lua/begin.ts";
import { lookAgain } from "../src/lua/look-again.ts";

const never = new AbortController().signal;

let server: RedisServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

const open: RedisQueueStore[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function makeStore(): RedisQueueStore {
  const store = redisQueueStore(server.url);
  open.push(store);
  return store;
}

async function take(queue: JobQueue): Promise<Claim> {
  const [claim] = await queue.claim(never, { wait: false });
  if (claim === undefined) throw new Error("nothing was there to claim");
  return claim;
}

describe("a wait for jobs", () => {
  const waits = async (store: RedisQueueStore, count: number): Promise<void> =>
    until(
      async () => String(await store.redis.send(["CLIENT", "LIST"])).split("cmd=blmove").length === count + 1,
      `${count} wait`,
    );
  const waitingClient = async (store: RedisQueueStore): Promise<string> =>
    /id=(\d+) [^\n]*cmd=blmove/.exec(String(await store.redis.send(["CLIENT", "LIST"])))?.[1] ?? "";
  const calls = async (store: RedisQueueStore, command: string): Promise<number> =>
    Number(
      new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(
        String(await store.redis.send(["INFO", "commandstats"])),
      )?.[1] ?? 0,
    );

  it("ends with a claim, without another call in between", async () => {
    const store = makeStore();
    await store.redis.send(["SCRIPT", "LOAD", begin.source]);
    const claim = store.openRedis().claim(never, { most: 2 });
    await waits(store, 1);
    await store.redis.send(["CONFIG", "RESETSTAT"]);
    await store.write("a", { payload: "x" });
    await store.push("a");
    expect(await claim).toMatchObject([{ jobId: "a", claims: 1 }]);
    expect([await calls(store, "evalsha"), await calls(store, "eval")]).toEqual([1, 0]);
  });

  it("ends with a claim where Redis has forgotten the script meanwhile", async () => {
    const store = makeStore();
    const claim = store.openRedis().claim(never, { most: 2 });
    await waits(store, 1);
    await store.redis.send(["SCRIPT", "FLUSH"]);
    await store.write("a", { payload: "x" });
    await store.push("a");
    expect(await claim).toMatchObject([{ jobId: "a", claims: 1 }]);
    expect(await store.taken()).toEqual(["a"]);
  });

  it("of several processes of one runner ends with a claim for each, whoever finds which id", async () => {
    const store = makeStore();
    const aside: unknown[] = [];
    const onPutAside = (what: unknown): void => void aside.push(what);
    const claims = [1, 2, 3].map(() => store.openRedis({ onPutAside }).claim(never));
    await waits(store, 3);
    const ids = ["a", "b", "c"];
    for (const id of ids) await store.write(id, { payload: id });
    await store.redis.send(["LPUSH", store.openRedis().keys.queue, ...ids]);
    const taken = (await Promise.all(claims)).flat();
    expect(new Set(taken.map(({ jobId }) => jobId))).toEqual(new Set(ids));
    expect(new Set(taken.map(({ token }) => token)).size).toBe(3);
    for (const { jobId, token } of taken) expect((await store.fields(jobId)).get("token")).toBe(token);
    expect(aside).toEqual([]); // nobody pushed an id twice
  });

  it("leaves no second place in active to an id that is held and was pushed again", async () => {
    const store = makeStore();
    const aside: unknown[] = [];
    const queue = store.openRedis({ onPutAside: (what) => void aside.push(what) });
    await store.write("a", { payload: "x" });
    await store.push("a");
    const held = await take(queue);
    const claim = queue.claim(never);
    await waits(store, 1);
    await store.push("a");
    await until(async () => (await store.waiting()).length === 0, "it was taken");
    await store.write("b", { payload: "x" });
    await store.push("b");
    expect(await claim).toMatchObject([{ jobId: "b" }]);
    expect(aside).toEqual([{ jobId: "a", why: "duplicate" }]);
    expect(new Set(await store.taken())).toEqual(new Set(["a", "b"]));
    expect(await queue.settle(held, finished("done\n"))).toBe("settled");
    expect(await store.taken()).toEqual(["b"]);
  });

  it("may find a job whose hash came late; whoever took it without one then leaves it alone", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    const { keys } = queue;
    await store.write("late", { payload: "x" });
    await store.redis.send(["LPUSH", keys.active, "late"]);
    const [held] = await (async () => {
      const claim = queue.claim(never);
      await waits(store, 1);
      await store.redis.send(["CLIENT", "UNBLOCK", await waitingClient(store)]);
      return claim;
    })();
    expect(held).toMatchObject({ jobId: "late", claims: 1 });
    const places = [keys.active, keys.leases, keys.job("late"), keys.queue, keys.dead, keys.reply("late")];
    const look = ["EVAL", lookAgain.source, "7", ...places, keys.events, "late", "0"];
    expect(String(await store.redis.send(look))).toBe("REQUEUED");
    expect(held && (await queue.renew([held]))).toEqual(["held"]);
    expect([await store.waiting(), await store.taken()]).toEqual([[], ["late"]]);
  });

  it("leaves a running job alone whose lease was lost, until it is renewed or adopted", async () => {
    const store = makeStore();
    const queue = store.openRedis({ blockSeconds: 0.05 });
    await store.write("a", { payload: "x" });
    await store.push("a");
    const held = await take(queue);
    expect(await queue.start(held)).toBe("started");
    await store.redis.send(["DEL", queue.keys.leases]);
    const stop = new AbortController();
    const claim = queue.claim(stop.signal);
    const before = await calls(store, "blmove");
    await until(async () => (await calls(store, "blmove")) > before + 3, "several waits are over");
    stop.abort();
    expect(await claim).toEqual([]);
    expect((await store.fields("a")).get("status")).toBe("started");
    expect(await queue.renew([held])).toEqual(["held"]);
  });

  it("gives a token to one job only, where the answer to begin is lost behind that of BLMOVE", async () => {
    const store = makeStore();
    const queue = store.openRedis();
    const { keys } = queue;
    for (const id of ["a", "b"]) await store.write(id, { payload: id });
    await store.redis.send(["LPUSH", keys.active, "a", "b"]);
    const terms = [keys.queue, keys.active, keys.leases, keys.dead, keys.events, keys.recent];
    const call = (id: string, how: string): Promise<unknown> =>
      store.redis.send([
        ...["EVAL", begin.source, "6", ...terms, keys.job(""), keys.reply(""), "owner"],
        ...["6000", "5", "1000000", "60", id, how, "token-1", "token-2"],
      ]);
    await call("", "behind");
    await call("a", "again");
    const tokens = await Promise.all(["a", "b"].map(async (id) => (await store.fields(id)).get("token")));
    expect(new Set(tokens)).toEqual(new Set(["token-1", "token-2"]));
  });

  it("that ends with nothing takes nothing, whatever stands in active", async () => {
    const store = makeStore();
    const queue = store.openRedis({ blockSeconds: 0.05 });
    const held = await (async () => {
      await store.write("a", { payload: "x" });
      await store.push("a");
      return take(queue);
    })();
    const stop = new AbortController();
    const claim = queue.claim(stop.signal);
    await until(async () => (await calls(store, "blmove")) > 3, "several waits are over");
    stop.abort();
    expect(await claim).toEqual([]);
    expect(await queue.renew([held])).toEqual(["held"]);
  });
});
