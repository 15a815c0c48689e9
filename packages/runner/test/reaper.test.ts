import { MemoryQueue, MemoryStore } from "@herorunner/job/testing";
import { expect, test } from "vitest";
import type { RunnerEvent } from "../src/host.ts";
import { Reaper } from "../src/reaper.ts";
import { FakeClock } from "../src/testing/index.ts";
import { troubledQueue } from "./support/troubled-queue.ts";

const never = new AbortController().signal;

/** A store with one job that a dead runner started; its lease lasts 6 s from time 0. */
async function setup(fields: Record<string, string> = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore({ now: () => clock.now() });
  const dead = new MemoryQueue({ store });
  store.submit("1", { payload: "x", ...fields });
  const claim = (await dead.claim(never))[0]!;
  await dead.start(claim);
  const queue = troubledQueue(new MemoryQueue({ store }));
  const events: RunnerEvent[] = [];
  const onEvent = (event: RunnerEvent): void => void events.push(event);
  const reaper = new Reaper({ queue, clock, everyMs: 1_000, confirmMs: 2_000, onEvent });
  return { clock, store, dead, claim, queue, events, reaper };
}

test("a job is reclaimed at the look that finds its lease over and unchanged for long enough", async () => {
  const { clock, store, events, reaper } = await setup();
  await clock.advance(5_999);
  await reaper.look();
  await clock.advance(1);
  await reaper.look(); // the first that sees it
  await clock.advance(1_999);
  await reaper.look();
  expect(store.text("1", "status")).toBe("started");
  await clock.advance(1);
  await reaper.look();
  expect(store.text("1", "status")).toBe("error");
  expect(store.text("1", "reason")).toBe("runner_lost");
  expect(events).toEqual([{ kind: "reclaimed", jobId: "1", answer: "failed" }]);
});

test("a job with attempts left goes back to the queue", async () => {
  const { clock, store, events, reaper } = await setup({ max_attempts: "2" });
  for (const ms of [6_000, 2_000]) {
    await clock.advance(ms);
    await reaper.look();
  }
  expect(store.queue).toEqual(["1"]);
  expect(events).toEqual([{ kind: "reclaimed", jobId: "1", answer: "requeued" }]);
});

test("a job that is lost for the last time is told as poisoned", async () => {
  const { clock, store, events, reaper } = await setup({ claims: "4", max_attempts: "2" });
  for (const ms of [6_000, 2_000]) {
    await clock.advance(ms);
    await reaper.look();
  }
  expect(store.text("1", "reason")).toBe("poisoned");
  expect(events).toEqual([{ kind: "reclaimed", jobId: "1", answer: "poisoned" }]);
});

test("an owner that renews between the two looks keeps its job", async () => {
  const { clock, store, dead, claim, events, reaper } = await setup();
  await clock.advance(6_000);
  await reaper.look();
  await dead.renew([claim]);
  await clock.advance(2_000);
  await reaper.look();
  await clock.advance(4_000); // over again, but with another end
  await reaper.look();
  expect(store.text("1", "status")).toBe("started");
  expect(events).toEqual([]);
});

test("after a look that the queue answered late, counting begins anew", async () => {
  const { clock, store, queue, reaper } = await setup();
  await clock.advance(6_000);
  await reaper.look();
  await clock.advance(2_000);
  queue.before("overdue", () => clock.advance(501));
  await reaper.look();
  expect(store.text("1", "status")).toBe("started");
  queue.before("overdue", () => undefined);
  await clock.advance(2_000);
  await reaper.look();
  expect(store.text("1", "status")).toBe("error");
});

test("a queue that is away ends nothing, and what was seen before counts no more", async () => {
  const { clock, store, queue, reaper } = await setup();
  const ending = new AbortController();
  const running = reaper.run(ending.signal);
  await clock.advance(6_500); // one look has seen it
  queue.breakDown("overdue");
  await clock.advance(5_000);
  queue.mend("overdue");
  await clock.advance(2_000); // the first good look at its end
  expect(store.text("1", "status")).toBe("started");
  await clock.advance(2_000);
  expect(store.text("1", "status")).toBe("error");
  ending.abort();
  await running;
  expect(clock.sleeping).toBe(0);
});

test("a taken id without a lease is adopted and found in the end", async () => {
  const { clock, store, reaper } = await setup();
  store.submit("2", { payload: "x" });
  store.take(); // and its runner dies before it could say so
  for (let second = 0; second < 5; second += 1) {
    await reaper.look();
    await clock.advance(1_000);
  }
  expect(store.queue).toEqual(["2"]);
});

test("it looks when the first lease could be over, and seldom while none can be", async () => {
  const { clock, store, dead, claim, queue } = await setup();
  const looks: number[] = [];
  queue.before("overdue", () => void looks.push(clock.monotonicMs() - startMs));
  const startMs = clock.monotonicMs();
  const reaper = new Reaper({ queue, clock, everyMs: 4_000, confirmMs: 2_000, onEvent: () => undefined });
  const ending = new AbortController();
  const running = reaper.run(ending.signal);
  await clock.advance(5_000);
  expect(looks).toEqual([1_000, 5_000]);
  await clock.advance(1_020);
  expect(looks.slice(2)).toEqual([6_020]);
  await clock.advance(2_250);
  expect(store.text("1", "status")).toBe("error");
  looks.length = 0;
  await clock.advance(40_000);
  expect(looks.length).toBeLessThanOrEqual(10);
  expect(await dead.renew([claim])).toEqual(["lost"]);
  ending.abort();
  await running;
});

test.each([0, 1, 999, 1_500, 3_000, 3_999])(
  "a job that is taken %s ms after a look, by a runner that dies at once, is free again within 10 s",
  async (afterMs) => {
    const clock = new FakeClock();
    const store = new MemoryStore({ now: () => clock.now() });
    const queue = new MemoryQueue({ store });
    const reaper = new Reaper({ queue, clock, everyMs: 4_000, confirmMs: 2_000, onEvent: () => undefined });
    const ending = new AbortController();
    const running = reaper.run(ending.signal);
    await clock.advance(5_000);
    await clock.advance(afterMs);
    for (const id of ["claimed", "only-taken"]) store.submit(id, { payload: "x" });
    await new MemoryQueue({ store }).claim(never);
    store.take();
    for (let waitedMs = 0; waitedMs < 9_000; waitedMs += 10) await clock.advance(10);
    expect(store.active).toEqual([]);
    ending.abort();
    await running;
  },
);
