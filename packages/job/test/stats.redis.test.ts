/** Endings are counted once each, by the scripts that make jobs final, and nothing that is stored there can stop them. */
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  addCounts,
  keysOf,
  openConnection,
  parseRedisUrl,
  percentileMs,
  readJob,
  readStats,
  type RedisConnection,
  RedisJobQueue,
} from "../src/index.ts";
import { JobClient } from "../src/client.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";

let server: RedisServer;
let redis: RedisConnection;
let client: JobClient;

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

/** Submits a job and lets it end. */
async function run(runner: string, ending: "finished" | "timeout", durationMs = 100): Promise<string> {
  const queue = new RedisJobQueue({ target: parseRedisUrl(server.url), runner, owner: "o", blockSeconds: 1 });
  const { id } = await client.submit({ runner, payload: "x" });
  const claim = (await queue.claim(new AbortController().signal))[0]!;
  await queue.start(claim);
  const output = { stdout: "", stderr: "", stdoutBytes: 0, stderrBytes: 0, droppedBytes: 0 };
  const facts = { durationMs, isolation: "group", reaped: 0 };
  const outcome =
    ending === "finished"
      ? ({ kind: "finished", output, facts } as const)
      : ({ kind: "error", reason: "timeout", message: "late", output, facts } as const);
  await queue.settle(claim, outcome);
  await queue.settle(claim, outcome);
  queue.close();
  return id;
}

it("counts each ending once, by the minute and by the quarter of an hour, with reasons and times", async () => {
  for (const ms of [10, 100, 100, 100, 1000]) await run("counted", "finished", ms);
  await run("counted", "timeout", 5000);
  const { hour, day } = await readStats(redis, keysOf("counted"));
  expect([hour.length, day.length]).toEqual([60, 96]);
  for (const periods of [hour, day]) {
    const { finished, failed, reasons, waiting, duration } = addCounts(periods);
    expect({ finished, failed, reasons: [...reasons] }).toEqual({
      finished: 5,
      failed: 1,
      reasons: [["timeout", 1]],
    });
    expect(addCounts(periods.slice(-2)).finished).toBe(5);
    expect(percentileMs(duration, 0.5)).toBeGreaterThan(80);
    expect(percentileMs(duration, 0.5)).toBeLessThan(125);
    expect(percentileMs(duration, 1)).toBeGreaterThan(4000);
    expect([...waiting.values()].reduce((sum, count) => sum + count, 0)).toBe(6);
  }
});

it("counts jobs that end without having been run", async () => {
  const { id } = await client.submit({ runner: "never", payload: "x" });
  await client.cancel(id, { runner: "never" });
  const { hour } = await readStats(redis, keysOf("never"));
  expect([...addCounts(hour).reasons]).toEqual([["cancelled", 1]]);
});

it("forgets by itself: a minute after two hours, a quarter of an hour after a day and more", async () => {
  await run("expires", "finished");
  const keys = keysOf("expires");
  const { nowMs } = await readStats(redis, keys);
  const ttl = async (letter: string, periodMs: number): Promise<number> => {
    // The period may have changed since the job ended.
    const periods = [0, -1].map((ago) => keys.stats(`${letter}${Math.floor(nowMs / periodMs) + ago}`));
    return Math.max(
      ...(await Promise.all(periods.map(async (key) => Number(await redis.send(["TTL", key]))))),
    );
  };
  expect(await ttl("m", 60_000)).toBeGreaterThan(7_000);
  expect(await ttl("q", 900_000)).toBeGreaterThan(93_000);
});

/** All keys of this minute and quarter of an hour, and of the next ones. */
async function countKeys(runner: string): Promise<readonly string[]> {
  const { nowMs } = await readStats(redis, keysOf(runner));
  return [0, 1].flatMap((more) => [
    keysOf(runner).stats(`m${Math.floor(nowMs / 60_000) + more}`),
    keysOf(runner).stats(`q${Math.floor(nowMs / 900_000) + more}`),
  ]);
}

it.each([
  ["text", ["SET"], ["x"]],
  ["a list", ["LPUSH"], ["x"]],
  ["a hash with too many names", ["HSET"], Array.from({ length: 600 }, (_, at) => String(at))],
])("lets a job end where the counts are %s, and reads none of it", async (_what, command, values) => {
  const runner = `foreign-${command.join("")}`;
  for (const key of await countKeys(runner)) await redis.send([...command, key, ...values]);
  const id = await run(runner, "finished");
  expect(await readJob(redis, keysOf(runner), id)).toMatchObject({ status: "finished" });
  const { hour } = await readStats(redis, keysOf(runner));
  expect(addCounts(hour).finished).toBe(0);
});

it.each([["{"], ["-7"], ["1e9"], [""], ["nan"], ["9".repeat(2_000)], ["7 "]])(
  "reads a count of %.20s as none and counts on",
  async (nonsense) => {
    const runner = `counts-${nonsense.length}-${nonsense.codePointAt(0) ?? 0}`;
    const foreign = ["d3", nonsense, "w1", nonsense, "r:timeout", nonsense, "r:unknown", "5", "x", "5"];
    for (const key of await countKeys(runner)) await redis.send(["HSET", key, "error", nonsense, ...foreign]);
    await run(runner, "finished", 0);
    const { finished, failed, reasons } = addCounts((await readStats(redis, keysOf(runner))).hour);
    expect([finished, failed, [...reasons.values()].reduce((sum, count) => sum + count, 0)]).toEqual([
      1, 0, 0,
    ]);
  },
);
