import { failed, finished, type JobOutcome } from "@herorunner/job";
import { expect, test } from "vitest";
import { until } from "../../../test/support/until.ts";
import { engine } from "./support/engine.ts";

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a job goes through claim, start, process and settle, and its outcome is stored", async () => {
  const { store, queue, kinds, end } = engine(async (job) => finished(`did ${job.payload}`));
  store.submit("1", { payload: "this" });
  await until(() => store.text("1", "status") === "finished", "the job is finished");
  expect(store.text("1", "result")).toBe("did this");
  expect(await end()).toEqual({ settled: 1, aborted: 0 });
  expect(queue.calls.filter((call) => ["start", "settle", "release"].includes(call))).toEqual([
    "start",
    "settle",
  ]);
  expect(kinds()[0]).toBe("waiting");
  expect(kinds().filter((kind) => kind !== "waiting")).toEqual(["admitted", "started", "settled"]);
});

test("a refused job takes the same road to settle and is never started", async () => {
  const { store, queue, end } = engine(() => Promise.reject(new Error("must not run")));
  store.submit("1", { payload: "x", timeout: "soon" });
  await until(() => store.text("1", "status") === "error", "the job is refused");
  expect(store.text("1", "reason")).toBe("malformed");
  expect(store.text("1", "error")).toMatch(/^timeout is "soon"/);
  expect(queue.calls).not.toContain("start");
  await end();
});

test("a bad job does not hold up the jobs behind it", async () => {
  const { store, end } = engine((job) => Promise.resolve(finished(job.id)));
  for (const id of ["1", "2", "3"])
    store.submit(id, id === "2" ? { payload: "x", env_vars: "[" } : { payload: "x" });
  await until(() => store.text("3", "status") === "finished", "the last job is finished");
  expect([store.text("1", "status"), store.text("2", "reason")]).toEqual(["finished", "malformed"]);
  await end();
});

test("what processJob throws becomes the outcome internal, and the runner goes on", async () => {
  const { store, logger, end } = engine((job) => {
    if (job.id === "1") throw new TypeError("x is not a function");
    return Promise.resolve(finished("fine"));
  });
  store.submit("1", { payload: "x" });
  store.submit("2", { payload: "x" });
  await until(() => store.text("2", "status") === "finished", "the second job is finished");
  expect(store.text("1", "reason")).toBe("internal");
  expect(store.text("1", "error")).toContain("x is not a function");
  expect(logger.lines.find((line) => line.level === "error")?.fields).toMatchObject({ id: "1" });
  await end();
});

test("a processJob that answers with nothing is told what it should answer with", async () => {
  const { store, end } = engine(() => Promise.resolve(undefined as unknown as JobOutcome));
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "error", "the job is over");
  expect(store.text("1", "error")).toContain("finished(…) or failed(…)");
  await end();
});

test("a processJob that makes up a reason is told so, and the record keeps to the closed list", async () => {
  const { store, end } = engine(() => Promise.resolve(failed("tired" as "internal", "no more today")));
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "error", "the job is over");
  expect(store.text("1", "reason")).toBe("internal");
  expect(store.text("1", "error")).toContain('the reason "tired"');
  await end();
});

test("a lost claim ends the work first and writes nothing", async () => {
  const order: string[] = [];
  const { store, queue, events, end } = engine(async (_job, { signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await tick();
    order.push(`work ended: ${String(signal.reason)}`);
    return finished("too late");
  });
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "started", "the job runs");
  store.write("1", { token: "somebody else's" });
  await until(() => events.some((event) => event.kind === "lost"), "the loss was told");
  expect(order).toEqual(["work ended: lost"]);
  expect(store.text("1", "result")).toBeUndefined();
  expect(store.text("1", "status")).toBe("started");
  expect(queue.calls).not.toContain("settle");
  await end();
});

test("a job that loses its claim before the start is not started", async () => {
  const processed: string[] = [];
  const { store, queue, events, end } = engine((job) => {
    processed.push(job.id);
    return Promise.resolve(finished(""));
  });
  queue.before("start", () => store.write("1", { token: "other" }));
  store.submit("1", { payload: "x" });
  await until(() => events.some((event) => event.kind === "lost"), "the loss was told");
  expect(processed).toEqual([]);
  await end();
});

test("a job that was cancelled between its claim and its start ends as cancelled", async () => {
  const { store, queue, end } = engine(() => Promise.reject(new Error("must not run")));
  queue.before("start", () => void store.cancel("1"));
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "error", "the job is over");
  expect(store.text("1", "reason")).toBe("cancelled");
  await end();
});

test("a running job that is cancelled ends as cancelled, whatever its code throws on the way", async () => {
  const { store, end } = engine(
    (_job, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
  );
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "started", "the job runs");
  store.cancel("1");
  await until(() => store.text("1", "status") === "error", "the job is over");
  expect([store.text("1", "reason"), store.text("1", "error")]).toEqual([
    "cancelled",
    "cancelled while it ran; its processes were ended",
  ]);
  await end();
});

test("abort gives back what had not started, ends what runs as shutdown, and says how many", async () => {
  const { store, queue, handle } = engine(
    (_job, { signal }) =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve(failed("shutdown", "stopped"))),
      ),
    { concurrency: 2 },
  );
  store.submit("runs", { payload: "x" });
  await until(() => store.text("runs", "status") === "started", "the first job runs");
  queue.after("claim", () => handle.abort()); // in the moment in which the second one is taken
  store.submit("taken", { payload: "x" });
  const summary = await handle.stopped;
  expect(store.text("runs", "reason")).toBe("shutdown");
  expect([store.text("taken", "status"), store.queue]).toEqual(["queued", ["taken"]]);
  expect(summary.aborted).toBe(1);
});

test("a stop that comes while the start is being marked runs nothing", async () => {
  const processed: string[] = [];
  const { store, queue, handle } = engine((job) => {
    processed.push(job.id);
    return Promise.resolve(finished(""));
  });
  queue.after("start", () => handle.abort());
  store.submit("1", { payload: "x" });
  expect(await handle.stopped).toEqual({ settled: 1, aborted: 1 });
  expect([processed, store.text("1", "reason")]).toEqual([[], "shutdown"]);
});

test("drain lets running jobs end and takes no more", async () => {
  let letGo = (): void => undefined;
  const { store, handle } = engine(() => new Promise((resolve) => (letGo = () => resolve(finished("done")))));
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "started", "the job runs");
  handle.drain();
  store.submit("2", { payload: "x" });
  await tick();
  letGo();
  expect(await handle.stopped).toEqual({ settled: 1, aborted: 0 });
  expect([store.text("1", "result"), store.queue]).toEqual(["done", ["2"]]);
});

test("an outcome is stored after an outage, however often it was tried", async () => {
  const { store, queue, logger, end } = engine(() => Promise.resolve(finished("kept")));
  queue.breakDown("settle");
  store.submit("1", { payload: "x" });
  await until(() => queue.calls.filter((call) => call === "settle").length >= 3, "it was tried three times");
  expect(logger.messages("error")).toEqual(["the queue is in trouble; trying again until it is back"]);
  queue.mend("settle");
  await until(() => store.text("1", "status") === "finished", "the outcome is stored");
  expect(store.text("1", "result")).toBe("kept");
  await end();
});

test("a runner that gives up while the queue is away tells that the outcome was not stored", async () => {
  const { store, queue, events, handle } = engine(() => Promise.resolve(finished("")), { giveUpAfterMs: 1 });
  queue.breakDown("settle");
  store.submit("1", { payload: "x" });
  await until(() => queue.calls.includes("settle"), "it was tried");
  handle.abort();
  expect(await handle.stopped).toEqual({ settled: 0, aborted: 1 });
  expect(events.map((event) => event.kind)).toContain("unsettled");
});

test("an aborted job that takes longer to end than the runner's patience is still stored, in one try", async () => {
  let letGo = (): void => undefined;
  const { store, handle } = engine(
    () => new Promise((resolve) => (letGo = () => resolve(failed("shutdown", "stopped")))),
    { giveUpAfterMs: 1 },
  );
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "started", "the job runs");
  handle.abort();
  const abortedMs = performance.now();
  await until(() => performance.now() - abortedMs > 3, "the time for giving up has passed");
  letGo();
  await handle.stopped;
  expect(store.text("1", "reason")).toBe("shutdown");
});

test("a burst ends when nothing waits and everything taken has ended", async () => {
  const { store, handle, gone } = engine(
    async (job) => {
      if (job.id === "1") store.submit("3", { payload: "came up meanwhile" });
      await tick();
      return finished("");
    },
    { burst: true, concurrency: 2, jobs: { "1": { payload: "x" }, "2": { payload: "x" } } },
  );
  expect(await handle.stopped).toEqual({ settled: 3, aborted: 0 });
  expect(gone()).toBe(true);
});

test("jobs are taken in the order in which they were pushed", async () => {
  const order: string[] = [];
  const jobs = Object.fromEntries(["a", "b", "c", "d", "e"].map((id) => [id, { payload: "x" }]));
  const { handle } = engine(
    async (job) => {
      order.push(job.id);
      await tick();
      return finished("");
    },
    { burst: true, jobs },
  );
  await handle.stopped;
  expect(order).toEqual(["a", "b", "c", "d", "e"]);
});

test("never more jobs than slots run at once", async () => {
  let running = 0;
  let most = 0;
  const jobs = Object.fromEntries(Array.from({ length: 20 }, (_unused, at) => [`j${at}`, { payload: "x" }]));
  const { handle } = engine(
    async () => {
      most = Math.max(most, (running += 1));
      await tick();
      running -= 1;
      return finished("");
    },
    { burst: true, concurrency: 3, jobs },
  );
  expect((await handle.stopped).settled).toBe(20);
  expect(most).toBe(3);
});

test("what waits is taken for all free slots in one call, and the next call takes for those that came free", async () => {
  const ends: (() => void)[] = [];
  const jobs = Object.fromEntries(Array.from({ length: 6 }, (_unused, at) => [`j${at}`, { payload: "x" }]));
  const { queue, store, end } = engine(
    () => new Promise((resolve) => ends.push(() => resolve(finished("")))),
    { concurrency: 3, jobs },
  );
  await until(() => ends.length === 3, "three run");
  expect(queue.calls.filter((call) => call === "claim")).toHaveLength(1);
  for (const letGo of ends.slice(1, 3)) letGo();
  await until(() => ends.length === 5, "five have begun");
  expect(store.queue).toEqual(["j5"]);
  expect(queue.calls.filter((call) => call === "claim").length).toBeLessThanOrEqual(3);
  for (const letGo of ends) letGo();
  await until(() => ends.length === 6, "all have begun");
  ends[5]!();
  expect((await end()).settled).toBe(6);
});

test("while outcomes cannot be stored, no more jobs are taken than one for each slot beside them", async () => {
  const jobs = Object.fromEntries(Array.from({ length: 20 }, (_unused, at) => [`j${at}`, { payload: "x" }]));
  const { queue, store, handle } = engine(() => Promise.resolve(finished("")), {
    concurrency: 2,
    jobs,
    burst: true,
  });
  queue.breakDown("settle");
  await until(() => queue.calls.filter((call) => call === "settle").length >= 12, "it was tried often");
  expect(store.queue.length).toBeGreaterThanOrEqual(16);
  queue.mend("settle");
  expect((await handle.stopped).settled).toBe(20);
});

test("live output reaches the log of the job before its end is told", async () => {
  const { store, end } = engine((_job, { log }) => {
    log("out", 0, "one\n");
    log("err", 0, "two\n");
    return Promise.resolve(finished("one\n"));
  });
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "finished", "the job is finished");
  expect(store.logs.get("1")).toMatchObject([
    { seq: 1, stream: "out", offset: 0, data: "one\n" },
    { seq: 2, stream: "err", offset: 0, data: "two\n" },
  ]);
  await end();
});

test("many jobs that wait for an absent queue cost no warning about listeners", async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on("warning", warned);
  const jobs = Object.fromEntries(Array.from({ length: 30 }, (_unused, at) => [`j${at}`, { payload: "x" }]));
  const { queue, handle } = engine(() => Promise.resolve(finished("")), {
    concurrency: 30,
    jobs,
    burst: true,
  });
  queue.breakDown("settle");
  await until(() => queue.calls.filter((call) => call === "settle").length >= 60, "all of them wait");
  queue.mend("settle");
  expect((await handle.stopped).settled).toBe(30);
  process.off("warning", warned);
  expect(warnings).toEqual([]);
});

test("a receipt is stored beside the outcome, and one that cannot be signed costs only itself", async () => {
  const { store, logger, handle } = engine((job) => Promise.resolve(finished(job.id)), {
    jobs: { "1": { payload: "x" }, "2": { payload: "x" } },
    burst: true,
    signReceipt: (job, { outcome }) =>
      job.id === "1" ? Promise.resolve(`signed: ${outcome.kind}`) : Promise.reject(new Error("no key")),
  });
  await handle.stopped;
  expect([store.text("1", "receipt"), store.text("2", "receipt")]).toEqual(["signed: finished", undefined]);
  expect([store.text("1", "status"), store.text("2", "status")]).toEqual(["finished", "finished"]);
  expect(logger.messages("error")).toEqual([
    "the receipt could not be signed, the outcome is stored without it",
  ]);
});
