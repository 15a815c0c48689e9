import {
  type ControlHandlers,
  finished,
  type InstanceReport,
  type Presence,
  QueueError,
  type QueueErrorCode,
} from "@herorunner/job";
import { expect, test } from "vitest";
import { until } from "../../../test/support/until.ts";
import { engine } from "./support/engine.ts";

const instance = {
  ...{ owner: "me", host: "h", pid: 7, version: "1", isolation: "group", signatures: "off" },
  lastPollMs: () => 12,
};

/** A presence whose answers a test decides. */
function fakePresence() {
  const state = {
    paused: false,
    refusal: undefined as QueueErrorCode | undefined,
    beats: [] as InstanceReport[],
    left: [] as string[],
    handlers: undefined as ControlHandlers | undefined,
    listens: 0,
    loseEar: (): void => undefined,
  };
  const presence: Presence = {
    beat: (report) => {
      state.beats.push(report);
      if (state.refusal !== undefined) return Promise.reject(new QueueError(state.refusal, "no heartbeat"));
      return Promise.resolve({ paused: state.paused });
    },
    leave: (owner) => Promise.resolve(void state.left.push(owner)),
    listen: (handlers, signal) => {
      state.handlers = handlers;
      state.listens += 1;
      return new Promise((resolve) => {
        state.loseEar = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  };
  return { presence, state };
}

test("a heartbeat tells who lives, how many slots there are and how many are busy", async () => {
  const { presence, state } = fakePresence();
  const { store, end } = engine(() => Promise.resolve(finished("")), { presence, instance, concurrency: 3 });
  await until(() => state.beats.length >= 2, "there were two heartbeats");
  expect(state.beats[0]).toMatchObject({ owner: "me", pid: 7, slots: 3, busy: 0, lastPollMs: 12 });
  await end();
  expect(state.left).toEqual(["me"]);
  expect(store.queue).toEqual([]);
});

test("half of what it takes to be seen is refused, for nobody would notice that it does nothing", () => {
  const { presence } = fakePresence();
  const processJob = () => Promise.resolve(finished(""));
  for (const half of [{ presence }, { instance }])
    expect(() => engine(processJob, half)).toThrow("presence and instance together");
});

test("a paused runner takes nothing, finishes what it has, and goes on when it is resumed", async () => {
  const { presence, state } = fakePresence();
  let letGo = (): void => undefined;
  const { store, handle, logger, end } = engine(
    (job) =>
      job.id === "1"
        ? new Promise((resolve) => (letGo = () => resolve(finished(""))))
        : Promise.resolve(finished("")),
    { presence, instance, concurrency: 2 },
  );
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "started", "the first job runs");
  state.paused = true;
  state.handlers!.onSettings();
  await until(() => handle.health().paused, "the pause was heard");
  store.submit("2", { payload: "x" });
  letGo();
  await until(() => store.text("1", "status") === "finished", "the running job ended");
  expect(store.text("2", "status")).toBeUndefined();
  state.paused = false;
  state.handlers!.onSettings();
  await until(() => store.text("2", "status") === "finished", "the second job ended");
  await end();
  expect(logger.messages("info")).toEqual(["paused: no jobs are taken", "resumed: jobs are taken again"]);
});

test("a runner that was paused before its start takes nothing, however late it learns that", async () => {
  const { presence, state } = fakePresence();
  state.paused = true;
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => (answer = resolve));
  const slow: Presence = { ...presence, beat: (report) => held.then(() => presence.beat(report)) };
  const jobs = { "1": { payload: "x" } };
  const { store, handle, end } = engine(() => Promise.resolve(finished("")), {
    ...{ presence: slow, instance, jobs },
  });
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect([store.queue, store.active]).toEqual([["1"], []]);
  answer();
  await until(() => handle.health().paused, "it is paused");
  expect([store.queue, store.active]).toEqual([["1"], []]);
  state.paused = false;
  await until(() => store.text("1", "status") === "finished", "the job ended");
  await end();
});

test("a runner that may not ask whether it is paused takes jobs all the same", async () => {
  const { presence, state } = fakePresence();
  state.refusal = "DENIED";
  const jobs = { "1": { payload: "x" } };
  const { store, end } = engine(() => Promise.resolve(finished("")), { presence, instance, jobs });
  await until(() => store.text("1", "status") === "finished", "the job ended");
  await end();
});

test.each(["UNAVAILABLE", "FULL"] as const)(
  "a paused runner whose first heartbeats are %s takes nothing until one is answered, which is soon",
  async (refusal) => {
    const { presence, state } = fakePresence();
    state.refusal = refusal;
    state.paused = true;
    const jobs = { "1": { payload: "x" } };
    const { store, handle, end } = engine(() => Promise.resolve(finished("")), {
      ...{ presence, instance, jobs },
      beatEveryMs: 600_000,
    });
    await until(() => state.beats.length >= 3, "it has asked again");
    expect([store.queue, store.active]).toEqual([["1"], []]);
    state.refusal = undefined;
    await until(() => handle.health().paused, "the pause was learnt");
    expect([store.queue, store.active]).toEqual([["1"], []]);
    await end();
  },
);

test("a pause is learnt from the next heartbeat when its message was lost", async () => {
  const { presence, state } = fakePresence();
  const { handle, end } = engine(() => Promise.resolve(finished("")), { presence, instance });
  state.paused = true;
  await until(() => handle.health().paused, "the pause was learnt");
  await end();
});

test("a paused runner can be drained", async () => {
  const { presence, state } = fakePresence();
  state.paused = true;
  const { handle, end } = engine(() => Promise.resolve(finished("")), { presence, instance });
  await until(() => handle.health().paused, "it is paused");
  expect(await end()).toEqual({ settled: 0, aborted: 0 });
});

test("a pause in the middle of a burst does not end it", async () => {
  const { presence, state } = fakePresence();
  const jobs = { "1": { payload: "x" }, "2": { payload: "x" } };
  const { store, handle } = engine(
    async (job) => {
      if (job.id === "1") {
        state.paused = true;
        state.handlers!.onSettings();
        await until(() => handle.health().paused, "it is paused");
      }
      return finished("");
    },
    { presence, instance, jobs, burst: true },
  );
  await until(() => store.text("1", "status") === "finished", "the first job ended");
  state.paused = false;
  expect((await handle.stopped).settled).toBe(2);
});

test("a wake-up for a cancel has the leases renewed at once", async () => {
  const { presence, state } = fakePresence();
  const { store, queue, end } = engine(
    (_job, { signal }) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve(finished("")))),
    { presence, instance },
  );
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "started", "the job runs");
  const before = queue.calls.filter((call) => call === "renew").length;
  state.handlers!.onCancel();
  await Promise.resolve();
  expect(queue.calls.filter((call) => call === "renew").length).toBeGreaterThan(before);
  store.cancel("1");
  await end();
});

test("a heartbeat that fails is trouble until the next one that does not", async () => {
  const { presence, state } = fakePresence();
  const { handle, logger, end } = engine(() => Promise.resolve(finished("")), { presence, instance });
  state.refusal = "UNAVAILABLE";
  await until(() => handle.health().trouble !== undefined, "the trouble is known");
  state.refusal = undefined;
  await until(() => handle.health().trouble === undefined, "the trouble is over");
  expect(logger.messages("info")).toEqual(["the queue is back"]);
  await end();
});

test("a lost ear is opened again", async () => {
  const { presence, state } = fakePresence();
  const { end } = engine(() => Promise.resolve(finished("")), { presence, instance });
  await until(() => state.listens === 1, "it listens");
  state.loseEar();
  await until(() => state.listens === 2, "it listens again");
  await end();
});

test("no heartbeat comes after the farewell", async () => {
  const { presence, state } = fakePresence();
  const order: string[] = [];
  const beat = presence.beat.bind(presence);
  let letGo = (): void => undefined;
  const slow: Presence = {
    ...presence,
    beat: async (report) => {
      if (state.paused) await new Promise<void>((resolve) => (letGo = resolve));
      order.push("beat");
      return beat(report);
    },
    leave: () => Promise.resolve(void order.push("leave")),
  };
  const { handle } = engine(() => Promise.resolve(finished("")), { presence: slow, instance });
  await until(() => order.length > 0, "there was a heartbeat");
  state.paused = true;
  state.handlers!.onSettings();
  handle.drain();
  await new Promise((resolve) => setImmediate(resolve));
  letGo();
  await handle.stopped;
  expect(order.at(-1)).toBe("leave");
});
