/** Calls and streams under way while Redis is away. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../../../test/support/until.ts";
import { type LogEvent, RpcClient } from "../src/client.ts";
import { adminSecret, type Harness, type Served, startHarness } from "./support/harness.ts";

let harness: Harness;
let served: Served;

beforeAll(async () => {
  harness = await startHarness();
  served = await harness.serve();
});
afterAll(() => harness.stop());

/** Ends Redis; answers how to start it again with all it had. */
async function endRedis(): Promise<() => Promise<void>> {
  await harness.redis.send(["SAVE"]);
  await harness.server.kill();
  return () => harness.server.start();
}

async function registered() {
  const runner = harness.runner();
  await served.call("runner.register", { id: runner.id });
  return runner;
}

const redisDown = async (): Promise<boolean> => (await served.get("/readyz")).status === 503;

it("job.run goes on waiting for its job when Redis is back", async () => {
  const runner = await registered();
  const running = served.call("job.run", { runner: runner.id, payload: "x", wait: 300 });
  await until(async () => (await harness.redis.send(["LLEN", runner.keys.queue])) === 1, "the job waits");
  const startRedis = await endRedis();
  await until(redisDown, "the supervisor has seen it");
  await startRedis();
  await runner.finish("done");
  expect(await running).toMatchObject({ outcome: "created", status: "finished", result: "done" });
});

it("job.run tells the id of its job when Redis is not back in time", async () => {
  const runner = await registered();
  const failing = served.fail("job.run", { runner: runner.id, payload: "x", wait: 8 });
  let id: unknown;
  await until(async () => {
    id = await harness.redis.send(["LINDEX", runner.keys.queue, "0"]);
    return id !== null;
  }, "the job waits");
  const startRedis = await endRedis();
  const { data } = await failing;
  await startRedis();
  expect(data).toMatchObject({ reason: "unavailable", id: String(id), runner: runner.id });
  expect(data["hint"]).toContain("The job was submitted");
});

it("a log that cannot be read any further ends with a mark, and can be taken up again", async () => {
  const runner = await registered();
  const client = new RpcClient({ url: served.url, key: adminSecret });
  const { id } = await served.call("job.run", { runner: runner.id, payload: "x" });
  const claim = await runner.take();
  await runner.queue.appendLog(claim, [{ stream: "out", offset: 0, data: "first" }]);
  const events: LogEvent[] = [];
  const reading = (async () => {
    for await (const event of client.followLog(id)) events.push(event);
  })();
  await until(() => events.length === 1, "the first line is there");
  const startRedis = await endRedis();
  await reading;
  await startRedis();
  expect(events.slice(1)).toEqual([{ event: "dropped", data: { reason: "unavailable" } }]);
  await until(async () => !(await redisDown()), "Redis is back");
  const again = client.followLog(id, { after: 1 });
  await runner.queue.appendLog(claim, [{ stream: "out", offset: 5, data: "second" }]);
  expect((await again.next()).value).toMatchObject({ event: "out", data: { offset: 5, data: "second" } });
  await again.return();
});
