import { QueueError, type QueueFigures } from "@herorunner/job";
import { expect, test } from "vitest";
import { QueueWatch } from "../src/queue-watch.ts";

const empty: QueueFigures = { waiting: 0, active: 0, dead: 0, instances: 1, next: undefined };

function watch(ask: () => Promise<QueueFigures>) {
  const clock = { nowMs: 0 };
  return { clock, queue: new QueueWatch(ask, () => clock.nowMs) };
}

test("everybody who asks within a second shares one question", async () => {
  let asked = 0;
  const { clock, queue } = watch(() => {
    asked += 1;
    return Promise.resolve(empty);
  });
  await Promise.all([queue.figures(), queue.figures()]);
  clock.nowMs = 999;
  await queue.figures();
  expect(asked).toBe(1);
  clock.nowMs = 1_000;
  await queue.figures();
  expect(asked).toBe(2);
});

test("a queue that is away or does not answer is no answer, and a bug is told", async () => {
  expect(await watch(() => Promise.reject(new QueueError("UNAVAILABLE", "away"))).queue.figures()).toBe(
    undefined,
  );
  expect(await watch(() => new Promise(() => undefined)).queue.figures()).toBe(undefined);
  await expect(watch(() => Promise.reject(new TypeError("a bug"))).queue.figures()).rejects.toThrow("a bug");
});

test("a job without a date has waited since it was seen first, and a date counts when it is older", async () => {
  let next: QueueFigures["next"] = { id: "a", waitedMs: undefined };
  const { clock, queue } = watch(() => Promise.resolve({ ...empty, waiting: 1, next }));
  const oldestMs = async () => (await queue.figures())?.oldestMs;
  clock.nowMs = 5_000;
  expect(await oldestMs()).toBe(0);
  clock.nowMs = 9_000;
  expect(await oldestMs()).toBe(4_000);
  next = { id: "a", waitedMs: 60_000 };
  clock.nowMs = 10_000;
  expect(await oldestMs()).toBe(60_000);
  next = { id: "b", waitedMs: undefined };
  clock.nowMs = 12_000;
  expect(await oldestMs()).toBe(0);
  next = undefined;
  clock.nowMs = 14_000;
  expect(await oldestMs()).toBe(0);
});
