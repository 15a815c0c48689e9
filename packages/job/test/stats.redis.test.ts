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
  const claim = (await queue.claim(new AbortController().signal))!;
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

it("knows a slot of an earlier round by its period and starts it again", async () => {
  const { nowMs } = await readStats(redis, keysOf("old"));
  for (const minutes of [0, 1, 2]) {
    const period = Math.floor(nowMs / 60_000) + minutes;
    const old = JSON.stringify({ t: period - 600, finished: 900 });
    await redis.send(["HSET", keysOf("old").stats, `m${period % 60}`, old]);
  }
  await run("old", "finished");
  const { hour } = await readStats(redis, keysOf("old"));
  expect(addCounts(hour).finished).toBe(1);
});

it.each([
  ["text", ["SET", keysOf("foreign-text").stats, "x"], "foreign-text"],
  ["a list", ["LPUSH", keysOf("foreign-list").stats, "x"], "foreign-list"],
])("lets a job end where the counts are %s", async (_what, command, runner) => {
  await redis.send(command);
  const id = await run(runner, "finished");
  expect(await readJob(redis, keysOf(runner), id)).toMatchObject({ status: "finished" });
});

it.each([["{"], ["[]"], ["7"], ['{"t":"x"}'], ["9".repeat(20_000)], ["[".repeat(9_000)]])(
  "counts anew where a slot holds %.20s",
  async (nonsense) => {
    const runner = `slots-${nonsense.length}-${nonsense.codePointAt(1) ?? 0}`;
    const names = Array.from({ length: 60 }, (_, at) => [`m${at}`, nonsense]).flat();
    await redis.send(["HSET", keysOf(runner).stats, ...names]);
    await run(runner, "finished");
    const { hour } = await readStats(redis, keysOf(runner));
    expect(addCounts(hour).finished).toBe(1);
  },
);
