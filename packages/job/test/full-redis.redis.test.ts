/** A full Redis (maxmemory reached, noeviction) refuses new work. What people look at, and what makes room, goes through. */
import { expect, onTestFinished, test } from "vitest";
import {
  finished,
  JobClient,
  listJobs,
  parseRedisUrl,
  readJob,
  readLogEntries,
  readRunner,
  readStats,
  RedisPresence,
  removeJob,
} from "../src/index.ts";
import { suiteLeaseMs } from "../../../test/conformance/job-queue.ts";
import { redisQueueStore } from "../../../test/support/queue-stores.ts";
import { startRedis } from "../../../test/support/redis-server.ts";
import { until } from "../../../test/support/until.ts";

const never = new AbortController().signal;

const report = {
  ...{ owner: "me", host: "h", pid: 7, version: "1", isolation: "group", signatures: "off" },
  ...{ slots: 2, busy: 1, lastPollMs: undefined },
};

async function setup() {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const store = redisQueueStore(server.url);
  onTestFinished(() => store.close());
  const queue = store.openRedis();
  const target = parseRedisUrl(server.url);
  const presence = new RedisPresence({ target, runner: "r", keyPrefix: store.prefix });
  onTestFinished(() => presence.close());
  const client = await JobClient.connect(server.url, { keyPrefix: store.prefix });
  onTestFinished(() => client.close());
  const submit = (id: string) => client.submit({ runner: "r", id, payload: "x" });
  const take = async () => (await queue.claim(never))[0]!;
  const fill = async (): Promise<void> => {
    await store.redis.send(["CONFIG", "SET", "maxmemory", "1"]);
    await expect(submit("refused")).rejects.toThrow("OOM");
  };
  return { store, client, queue, presence, submit, take, fill, keys: queue.keys, redis: store.redis };
}

test("runners, jobs, their output, listings and counts can be looked at", async () => {
  const { store, queue, presence, submit, take, fill, keys, redis } = await setup();
  await presence.beat(report);
  await submit("done");
  const claim = await take();
  await queue.start(claim);
  await queue.appendLog(claim, [{ stream: "out", offset: 0, data: "written" }]);
  await queue.settle(claim, finished("stored"));
  await store.write("by-hand", { payload: "x" });
  await store.push("by-hand");
  await fill();
  expect(await readRunner(redis, keys)).toMatchObject({
    ...{ alive: true, queued: 1, running: 0 },
    instances: [{ owner: "me", slots: 2 }],
  });
  expect(await readJob(redis, keys, "done")).toMatchObject({ status: "finished", result: "stored" });
  const lines = await readLogEntries(redis, keys.log("done"), { after: 0, limit: 9 });
  expect(lines.map((line) => line.data)).toEqual(["written"]);
  const listed = await listJobs([{ keys, redis }], { limit: 9 });
  expect(listed.jobs.map((job) => job.id).toSorted()).toEqual(["by-hand", "done"]);
  const { hour } = await readStats(redis, keys);
  expect(hour.reduce((sum, minute) => sum + minute.finished, 0)).toBe(1);
});

test("a job can be waited for, without asking again and again in haste", async () => {
  const { client, queue, submit, take, fill, redis } = await setup();
  await submit("runs");
  const claim = await take();
  await fill();
  await redis.send(["CONFIG", "RESETSTAT"]);
  const waiting = client.wait("runs", { runner: "r", timeoutMs: 10_000 });
  const reads = async () =>
    Number(/cmdstat_hgetall:calls=(\d+)/.exec(String(await redis.send(["INFO", "commandstats"])))?.[1]);
  await until(async () => (await reads()) >= 3, "it has looked three times");
  await queue.settle(claim, finished("stored"));
  expect(await waiting).toMatchObject({ status: "finished", result: "stored" });
  expect(await reads()).toBeLessThan(9);
});

test("a job that is final can be deleted", async () => {
  const { queue, submit, take, fill, keys, redis } = await setup();
  await submit("done");
  await queue.settle(await take(), finished(""));
  await fill();
  expect(await removeJob(redis, keys, "done")).toBe("deleted");
  expect(await readJob(redis, keys, "done")).toBeUndefined();
});

test("a heartbeat is refused as full, and yet shows that the process lives", async () => {
  const { presence, fill, keys, redis } = await setup();
  await fill();
  await expect(presence.beat(report)).rejects.toMatchObject({ code: "FULL" });
  expect(await readRunner(redis, keys)).toMatchObject({ alive: true, instances: [{ owner: "me", busy: 1 }] });
});

test("an id that cannot be run keeps no job of a dead runner from being reclaimed", async () => {
  const { store, queue, submit, take, fill, keys, redis } = await setup();
  await redis.send(["LPUSH", keys.active, "no id"]);
  await submit("a");
  await queue.start(await take());
  await queue.overdue();
  await store.passTime(2 * suiteLeaseMs);
  await fill();
  const { leases } = await queue.overdue();
  const answers: Record<string, string> = {};
  for (const lease of leases) answers[lease.jobId] = await queue.reclaim(lease);
  expect(answers).toEqual({ "no id": "dead", a: "failed" });
  expect([await store.taken(), await store.leased(), await store.dead()]).toEqual([[], [], ["no id"]]);
});

test("a client that pushed an id without a hash is told so", async () => {
  const { store, queue, fill, redis } = await setup();
  await store.push("bare");
  const claiming = queue.claim(never).catch(() => undefined); // its next wait is refused
  await until(
    async () =>
      (await store.taken()).includes("bare") &&
      / flags=\w*b\w* .* cmd=blmove /.test(String(await redis.send(["CLIENT", "LIST"]))),
    "it was taken, and the runner waits for others",
  );
  await fill();
  await until(async () => (await store.reply("bare")) === "error", "there is an answer");
  expect((await store.fields("bare")).get("reason")).toBe("missing");
  expect(await store.taken()).toEqual([]);
  await claiming;
});
