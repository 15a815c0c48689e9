import type { LogEntry } from "@herorunner/job";
import { expect, test } from "vitest";
import { LiveLog } from "../src/live-log.ts";
import { FakeClock } from "../src/testing/index.ts";

function setup(append?: (batch: readonly LogEntry[]) => Promise<void>) {
  const clock = new FakeClock();
  const batches: (readonly LogEntry[])[] = [];
  const log = new LiveLog(async (batch) => {
    batches.push(batch);
    await append?.(batch);
  }, clock);
  return { clock, batches, log };
}

test("what is written within 200 ms goes out together, neighbours as one entry", async () => {
  const { clock, batches, log } = setup();
  log.write("out", 0, "one ");
  log.write("out", 4, "two\n");
  log.write("err", 0, "oh\n");
  log.write("out", 8, "three\n");
  await clock.advance(199);
  expect(batches).toEqual([]);
  await clock.advance(1);
  expect(batches).toEqual([
    [
      { stream: "out", offset: 0, data: "one two\n" },
      { stream: "err", offset: 0, data: "oh\n" },
      { stream: "out", offset: 8, data: "three\n" },
    ],
  ]);
});

test("offsets count bytes, so text after more than ASCII still joins", async () => {
  const { batches, log } = setup();
  log.write("out", 0, "grüß");
  log.write("out", 6, "e");
  log.write("out", 20, "after a gap");
  expect(await log.end()).toEqual([
    { stream: "out", offset: 0, data: "grüße" },
    { stream: "out", offset: 20, data: "after a gap" },
  ]);
  expect(batches).toEqual([]);
});

test("the end hands over at once what waits, and nothing is taken after it", async () => {
  const { batches, log } = setup();
  log.write("out", 0, "last words");
  expect(await log.end()).toEqual([{ stream: "out", offset: 0, data: "last words" }]);
  log.write("out", 10, "too late");
  expect(await log.end()).toEqual([]);
  expect(batches).toEqual([]);
});

test("the end waits for a batch that is on its way, so that its own pieces come after it", async () => {
  let letGo = (): void => undefined;
  const slow = new Promise<void>((resolve) => (letGo = resolve));
  const { clock, log } = setup(() => slow);
  log.write("out", 0, "first");
  await clock.advance(200);
  log.write("out", 5, "last");
  let rest: readonly LogEntry[] | undefined;
  const ending = log.end().then((entries) => (rest = entries));
  await clock.advance(1_000);
  expect(rest).toBeUndefined();
  letGo();
  await ending;
  expect(rest).toEqual([{ stream: "out", offset: 5, data: "last" }]);
});

test("a quarter of a megabyte does not wait", async () => {
  const { clock, batches, log } = setup();
  log.write("out", 0, "x".repeat(256 * 1024));
  await clock.advance(0);
  expect(batches).toHaveLength(1);
});

test("while the queue is slow at most a megabyte waits; the rest is left out and the offsets show it", async () => {
  let letGo = (): void => undefined;
  const slow = new Promise<void>((resolve) => (letGo = resolve));
  const { clock, batches, log } = setup(() => slow);
  log.write("out", 0, "first");
  await clock.advance(200);
  const chunk = "x".repeat(1024 * 300);
  for (let at = 0; at < 5; at += 1) log.write("out", 5 + at * chunk.length, chunk);
  letGo();
  await clock.advance(0);
  log.write("out", 5 + 5 * chunk.length, "after");
  const rest = await log.end();
  const offsets = [...batches.flat(), ...rest].map((entry) => entry.offset);
  expect(offsets).toEqual([0, 5, 5 + chunk.length, 5 + 2 * chunk.length, 5 + 5 * chunk.length]);
});

test("of single bytes in both streams by turns at most ten thousand wait", async () => {
  let dropped = 0;
  const log = new LiveLog(
    () => Promise.resolve(),
    new FakeClock(),
    (bytes) => (dropped += bytes),
  );
  for (let at = 0; at < 6_000; at += 1) {
    log.write("out", at, "o");
    log.write("err", at, "e");
  }
  const waited = await log.end();
  expect([waited.length, dropped]).toEqual([10_000, 1_000]);
  expect(waited.at(-1)?.data).toHaveLength(1_001); // what continues the last one has room
});

test("a write between the last batch and the next one is not forgotten", async () => {
  const { clock, batches, log } = setup(() => {
    queueMicrotask(() => queueMicrotask(() => batches.length === 1 && log.write("out", 1, "b")));
    return Promise.resolve();
  });
  log.write("out", 0, "a");
  await clock.advance(200);
  await clock.advance(200);
  expect(batches.flat().map((entry) => entry.data)).toEqual(["a", "b"]);
});

test("a queue that refuses costs its batch and nothing else", async () => {
  let refuse = true;
  const { clock, batches, log } = setup(() =>
    refuse ? Promise.reject(new Error("away")) : Promise.resolve(),
  );
  log.write("out", 0, "lost");
  await clock.advance(200);
  refuse = false;
  log.write("out", 4, "kept");
  expect(await log.end()).toHaveLength(1);
  expect(batches).toHaveLength(1);
});

test("what is left out is told in bytes: what finds no room, and what the queue did not take", async () => {
  const clock = new FakeClock();
  const dropped: number[] = [];
  const refuse = () => Promise.reject(new Error("away"));
  const log = new LiveLog(refuse, clock, (bytes) => dropped.push(bytes));
  log.write("out", 0, "x".repeat(1024 * 1024));
  log.write("out", 1024 * 1024, "über");
  expect(dropped).toEqual([5]);
  await clock.advance(200);
  expect(dropped).toEqual([5, 1024 * 1024]);
  await log.end();
});
