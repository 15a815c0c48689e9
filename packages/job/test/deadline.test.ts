/** Ends in time are kept, also when nobody but a signal made of others knows of them and the garbage collector runs. */
import { getEventListeners, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, onTestFinished } from "vitest";
import { SupervisorClient, withDeadline } from "@herorunner/job";
import { until } from "../../../test/support/until.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

it("a wait ends when its time is up", async () => {
  const other = new AbortController();
  const reasons: unknown[] = [];
  withDeadline(200, other.signal).signal.addEventListener("abort", ({ target }) => {
    reasons.push((target as AbortSignal).reason);
  });
  await until(() => (collect(), reasons.length > 0), "the time is up");
  expect(reasons).toMatchObject([{ name: "TimeoutError" }]);
});

it("or when one of the others aborts, with that one's reason", () => {
  const other = new AbortController();
  const { signal, stop } = withDeadline(60_000, other.signal);
  other.abort("enough");
  expect([signal.aborted, signal.reason]).toEqual([true, "enough"]);
  expect(withDeadline(60_000, other.signal).signal.reason).toBe("enough");
  stop();
});

it("nothing is left of one that was stopped, however many shared a signal", async () => {
  const warnings: unknown[] = [];
  const warn = (warning: Error): number => warnings.push(warning);
  process.on("warning", warn);
  onTestFinished(() => void process.off("warning", warn));
  const other = new AbortController();
  const all = Array.from({ length: 20 }, () => withDeadline(1, other.signal));
  expect(getEventListeners(other.signal, "abort")).toHaveLength(20);
  for (const { stop } of all) stop();
  expect(getEventListeners(other.signal, "abort")).toEqual([]);
  let isOver = false;
  withDeadline(50).signal.addEventListener("abort", () => (isOver = true));
  await until(() => isOver, "a later one is over");
  expect(all.some(({ signal }) => signal.aborted)).toBe(false);
  expect(warnings).toEqual([]);
});

it("a time that is longer than a timer of Node can wait for does not end at once", async () => {
  const long = [Infinity, 2 ** 40].map((ms) => withDeadline(ms));
  let isOver = false;
  withDeadline(50).signal.addEventListener("abort", () => (isOver = true));
  await until(() => isOver, "a short one is over");
  expect(long.map(({ signal }) => signal.aborted)).toEqual([false, false]);
  for (const { stop } of long) stop();
});

it("a supervisor that never answers is given up", async () => {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  onTestFinished(() => (server.closeAllConnections(), void server.close()));
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // a TCP server's address is no string
  let failure: unknown;
  SupervisorClient.connect(`http://127.0.0.1:${port}`, { apiKey: "x", deadlineMs: 300 }).then(
    () => undefined,
    (error: unknown) => (failure = error),
  );
  await until(() => (collect(), failure !== undefined), "it is given up");
  expect(String(failure)).toContain("did not answer in time");
});
