import { QueueError } from "@herorunner/job";
import { MemoryQueue } from "@herorunner/job/testing";
import { expect, onTestFinished, test } from "vitest";
import { LeaseKeeper } from "../src/lease.ts";
import { Patience } from "../src/patience.ts";
import { FakeClock, RecordingLogger } from "../src/testing/index.ts";
import { until } from "../../../test/support/until.ts";
import { troubledQueue } from "./support/troubled-queue.ts";

const never = new AbortController().signal;
const hour = 3_600_000;

async function setup(renewEveryMs = hour) {
  const memory = new MemoryQueue();
  const queue = troubledQueue(memory);
  const logger = new RecordingLogger();
  const keeper = new LeaseKeeper(queue, new Patience(new FakeClock(), logger), renewEveryMs);
  onTestFinished(() => keeper.close());
  const take = async (id: string) => {
    memory.store.submit(id, { payload: "x" });
    const claim = (await queue.claim(never))[0]!;
    return { claim, lease: keeper.hold(claim) };
  };
  return { store: memory.store, queue, logger, keeper, take };
}

test("all held leases are renewed by one call, again and again", async () => {
  const { store, queue, take } = await setup(5);
  await take("1");
  await take("2");
  const renewals = () => queue.calls.filter((call) => call === "renew").length;
  await until(() => renewals() >= 3, "there were three renewals");
  expect(store.leases.size).toBe(2);
});

test("nothing is asked of the queue while nothing is held", async () => {
  const { queue, keeper, take } = await setup();
  await keeper.renewNow();
  const { lease } = await take("1");
  lease.release();
  await keeper.renewNow();
  expect(queue.calls).not.toContain("renew");
});

test("a claim that moved on stops its job as lost, and no other one", async () => {
  const { store, keeper, take } = await setup();
  const [one, two] = [await take("1"), await take("2")];
  store.write("1", { token: "somebody else's" });
  await keeper.renewNow();
  expect([one.lease.stopReason, one.lease.signal.aborted, one.lease.signal.reason]).toEqual([
    "lost",
    true,
    "lost",
  ]);
  expect([two.lease.stopReason, two.lease.signal.aborted]).toEqual([undefined, false]);
});

test("a job with its cancel field set stops as cancelled", async () => {
  const { store, keeper, take } = await setup();
  const { lease } = await take("1");
  store.write("1", { cancel: "1" });
  await keeper.renewNow();
  expect([lease.stopReason, lease.signal.reason]).toEqual(["cancelled", "cancelled"]);
});

test("the first reason stays, but a lost claim outranks it", async () => {
  const { store, keeper, take } = await setup();
  const { lease } = await take("1");
  keeper.abortAll();
  store.write("1", { cancel: "1" });
  await keeper.renewNow();
  expect(lease.stopReason).toBe("shutdown");
  store.write("1", { token: "other" });
  await keeper.renewNow();
  expect(lease.stopReason).toBe("lost");
});

test("a cancel that is written while a renewal is on its way is seen by the next one at once", async () => {
  const { store, queue, keeper, take } = await setup();
  const { lease } = await take("1");
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  queue.after("renew", () => held);
  void keeper.renewNow();
  await until(() => queue.calls.includes("renew"), "the first renewal was sent");
  store.write("1", { cancel: "1" });
  const woken = keeper.renewNow();
  letGo();
  await woken;
  expect(lease.stopReason).toBe("cancelled");
});

test("a lease that is released while its renewal is on its way is not taken for lost", async () => {
  const { queue, keeper, take } = await setup();
  const { claim, lease } = await take("1");
  queue.before("renew", async () => {
    await queue.settle(claim, { kind: "error", reason: "internal", message: "" });
    lease.release();
  });
  await keeper.renewNow();
  expect(lease.stopReason).toBeUndefined();
});

test("a queue that is away stops nothing, is told once, and is asked again", async () => {
  const { queue, logger, keeper, take } = await setup();
  const { lease } = await take("1");
  queue.breakDown("renew");
  await keeper.renewNow();
  await keeper.renewNow();
  expect(lease.signal.aborted).toBe(false);
  expect(logger.messages("error")).toHaveLength(1);
  queue.mend("renew");
  await keeper.renewNow();
  expect(logger.messages("info")).toEqual(["the queue is back"]);
});

test("an outage that only renewals have seen is over when nothing is held any more", async () => {
  const { queue, logger, keeper, take } = await setup();
  const { lease } = await take("1");
  queue.breakDown("renew", new QueueError("FULL", "full"));
  await keeper.renewNow();
  lease.release();
  await keeper.renewNow();
  expect(logger.messages("info")).toEqual(["the queue is back"]);
});

test("after abortAll a job that is taken late stops at once", async () => {
  const { keeper, take } = await setup();
  const { lease: early } = await take("1");
  keeper.abortAll();
  const { lease: late } = await take("2");
  expect([early.stopReason, late.stopReason]).toEqual(["shutdown", "shutdown"]);
});

test("close waits for the renewal that is on its way", async () => {
  const { queue, keeper, take } = await setup();
  await take("1");
  let letGo = (): void => undefined;
  queue.before("renew", () => new Promise<void>((resolve) => (letGo = resolve)));
  void keeper.renewNow();
  let closed = false;
  const closing = keeper.close().then(() => (closed = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(false);
  letGo();
  await closing;
});

test("each renewal is told with an answer for each lease, also when the queue gives none", async () => {
  const { store, queue, keeper, take } = await setup();
  const told: (readonly string[])[] = [];
  keeper.onRenewed = (answers) => told.push(answers);
  await take("1");
  await take("2");
  store.write("2", { token: "somebody else's" });
  await keeper.renewNow();
  queue.breakDown("renew");
  await keeper.renewNow();
  expect(told).toEqual([
    ["held", "lost"],
    ["failed", "failed"],
  ]);
});
