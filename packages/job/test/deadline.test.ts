/** Ends in time are kept, also when nobody but a signal made of others knows of them and the garbage collector runs. */
import { once } from "node:events";
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
  withDeadline(200, other.signal).addEventListener("abort", ({ target }) => {
    reasons.push((target as AbortSignal).reason);
  });
  await until(() => (collect(), reasons.length > 0), "the time is up");
  expect(reasons).toMatchObject([{ name: "TimeoutError" }]);
});

it("or when one of the others aborts, with that one's reason", () => {
  const other = new AbortController();
  const signal = withDeadline(60_000, other.signal);
  other.abort("enough");
  expect([signal.aborted, signal.reason]).toEqual([true, "enough"]);
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
