import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { batchWrites, createLogger } from "../src/index.ts";
import { SlowStream } from "./support/slow-stream.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setup() {
  const [inner, err, process] = [new SlowStream(), new SlowStream(), new EventEmitter()];
  const out = batchWrites(inner, process);
  return { inner, err, process, out, logger: createLogger({ level: "INFO", format: "text", out, err }) };
}

test("lines that come close together go out in one write, in order, some milliseconds later", () => {
  const { inner, logger } = setup();
  logger.info({}, "one");
  vi.advanceTimersByTime(2);
  logger.info({}, "two");
  expect(inner.taken).toEqual([]);
  vi.advanceTimersByTime(3);
  expect(inner.taken).toEqual([expect.stringMatching(/INFO one\n.*INFO two\n$/)]);
  logger.info({}, "three");
  vi.advanceTimersByTime(5);
  expect(inner.taken).toHaveLength(2);
});

test("an error is written after the lines that led to it", () => {
  const { inner, err, logger } = setup();
  const order: string[] = [];
  for (const stream of [inner, err]) stream.write = (text) => order.push(text.slice(25).trim()) > 0;
  logger.info({}, "led to it");
  logger.error({}, "failed");
  expect(order).toEqual(["INFO led to it", "ERROR failed"]);
});

test("what waits is written when the process exits", () => {
  const { inner, process, logger } = setup();
  logger.info({}, "last words");
  process.emit("exit");
  expect(inner.text).toContain("last words");
  vi.advanceTimersByTime(100);
  expect(inner.taken).toHaveLength(1);
});

test("flush waits for it too", async () => {
  const { inner, logger } = setup();
  logger.info({}, "one");
  await logger.flush(1_000);
  expect(inner.text).toContain("INFO one\n");
});

test("a long batch does not wait, and what waits counts as backlog", () => {
  const { inner, out } = setup();
  out.write("x".repeat(1000));
  expect(out.writableLength).toBe(1000);
  out.write("y".repeat(65_536));
  expect(inner.taken).toEqual([`${"x".repeat(1000)}${"y".repeat(65_536)}`]);
  expect(out.writableLength).toBe(0);
});

test("a stream that throws ends nothing", () => {
  const { inner, logger } = setup();
  inner.write = () => {
    throw new Error("gone");
  };
  logger.info({}, "one");
  expect(() => vi.advanceTimersByTime(5)).not.toThrow();
});
