/** One trace through a supervisor and a runner: the built programs, a real Redis, a collector that takes OTLP. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { endToEnd } from "../support/e2e.ts";
import { shellHero } from "../support/stand-in-hero.ts";
import { until } from "../support/until.ts";
import { startCollector } from "./support/collector.ts";
import { listLoaded, startSupervisor } from "./support/programs.ts";

const bed = endToEnd();
const soon = { OTEL_BSP_SCHEDULE_DELAY: "50" };
const all = ["submit", "job", "wait", "verify", "run", "settle"];

const newTrace = (flags = "01") => {
  const [traceId, spanId] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
  return { traceId, spanId, text: `00-${traceId}-${spanId}-${flags}` };
};
const traceOf = async (runner: string, id: string): Promise<string> => {
  const [trace] = (await bed.redis.call("HMGET", `hero:{${runner}}:job:${id}`, "trace")) as [string | null];
  return trace ?? "";
};

async function both() {
  const collector = await startCollector();
  const runner = bed.newRunner();
  const to = ["--otlp-endpoint", collector.url];
  await bed.start(runner, ["--hero", await shellHero(), ...to], { env: soon });
  const supervisor = await startSupervisor(["-r", bed.server.url, ...to], soon);
  return { collector, runner, supervisor };
}

test("a request's traceparent, the supervisor's submit and the runner's job are one trace", async () => {
  const { collector, runner, supervisor } = await both();
  const given = newTrace();
  const job = { runner, id: "j1", payload: "echo of-the-script", wait: 30 };
  expect(await supervisor.call("job.run", job, { traceparent: given.text })).toMatchObject({
    status: "finished",
  });
  const { spans, span } = await collector.trace({ traceId: given.traceId }, all);
  expect(spans).toHaveLength(6);
  expect(span("submit")).toMatchObject({ parentSpanId: given.spanId, kind: 4, status: 0 });
  expect(span("job").parentSpanId).toBe(span("submit").spanId);
  expect(await traceOf(runner, "j1")).toBe(`00-${given.traceId}-${span("submit").spanId}-01`);
  expect(span("submit").attributes).toMatchObject({
    "messaging.operation.type": "send",
    "messaging.destination.name": `hero:{${runner}}:queue`,
    "hero.job.id": "j1",
    "hero.submit.outcome": "created",
  });
  expect(span("submit").resource["service.name"]).toBe("herosupervisor");
  expect(collector.text).not.toContain("of-the-script");

  // Handed in again it is the same job, whatever trace the request belongs to.
  const again = newTrace();
  expect(await supervisor.call("job.run", { ...job, wait: 0 }, { traceparent: again.text })).toMatchObject({
    outcome: "exists",
  });
  const repeated = await collector.trace({ traceId: again.traceId }, ["submit"]);
  expect(repeated.span("submit").attributes["hero.submit.outcome"]).toBe("exists");
  const other = newTrace();
  const conflict = supervisor.call("job.run", { ...job, payload: "other" }, { traceparent: other.text });
  await expect(conflict).rejects.toThrow("other content");
  const refused = await collector.trace({ traceId: other.traceId }, ["submit"]);
  expect(refused.span("submit")).toMatchObject({ status: 2, statusMessage: "conflict" });
  const scraped = await (await fetch(`${supervisor.url}/metrics`)).text();
  expect(scraped).toMatch(/^herosupervisor_trace_spans_total\{result="sent"\} [1-9]/m);
});

test("the trace that a job names comes before that of its request; one that is not kept stays as it is", async () => {
  const { collector, runner, supervisor } = await both();
  const [named, ofRequest, unkept] = [newTrace(), newTrace(), newTrace("00")];
  const create = (id: string, more: object, traceparent: string) =>
    supervisor.call("job.create", { runner, id, payload: "true", ...more }, { traceparent });
  await create("a", { trace: named.text }, ofRequest.text);
  await create("b", {}, unkept.text);
  await create("c", {}, "nonsense");
  await expect(create("d", { trace: "nonsense" }, ofRequest.text)).rejects.toThrow("trace");
  expect(await traceOf(runner, "b")).toBe(unkept.text);
  const { span } = await collector.trace({ traceId: named.traceId }, ["submit"]);
  expect(await traceOf(runner, "a")).toBe(`00-${named.traceId}-${span("submit").spanId}-01`);
  expect(await traceOf(runner, "c")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(await supervisor.stop()).toBe(0);
  for (const { traceId } of [ofRequest, unkept]) expect(collector.text).not.toContain(traceId);
  const refused = collector.spans.filter(({ status }) => status === 2);
  expect(refused.map(({ statusMessage }) => statusMessage)).toEqual(["invalid_job"]);
});

test("a retry belongs to the trace of the request that asked for it, or else to that of the job", async () => {
  const { collector, runner, supervisor } = await both();
  const [first, second] = [newTrace(), newTrace()];
  await supervisor.call("job.run", { runner, id: "r", payload: "exit 1", wait: 30, trace: first.text });
  const retry = async (headers: Record<string, string>): Promise<string> =>
    ((await supervisor.call("job.retry", { id: "r" }, headers)) as { id: string }).id;
  const ids = [await retry({}), await retry({ traceparent: second.text })];
  await collector.trace({ job: ids[0]! }, ["submit", "job"]);
  await collector.trace({ job: ids[1]! }, ["submit", "job"]);
  expect((await traceOf(runner, ids[0]!)).slice(3, 35)).toBe(first.traceId);
  expect((await traceOf(runner, ids[1]!)).slice(3, 35)).toBe(second.traceId);
});

test("a supervisor without an endpoint passes the trace of a request on, and loads no SDK", async () => {
  const loaded = await listLoaded();
  const supervisor = await startSupervisor(["-r", bed.server.url], loaded.env);
  const runner = bed.newRunner();
  await supervisor.call("runner.register", { id: runner });
  const given = newTrace();
  const create = (id: string, traceparent?: string) =>
    supervisor.call("job.create", { runner, id, payload: "true" }, traceparent ? { traceparent } : {});
  await create("x", given.text);
  await create("y", "00-nonsense");
  await create("z");
  expect(await traceOf(runner, "x")).toBe(given.text);
  expect([await traceOf(runner, "y"), await traceOf(runner, "z")]).toEqual(["", ""]);
  expect(await supervisor.stop()).toBe(0);
  expect(await loaded.sdk()).toEqual([]);
});

test("what waits is sent when the supervisor ends", async () => {
  const collector = await startCollector();
  const supervisor = await startSupervisor(["-r", bed.server.url, "--otlp-endpoint", collector.url]);
  await supervisor.call("runner.register", { id: "nobody" });
  await supervisor.call("job.create", { runner: "nobody", payload: "true" });
  expect(await supervisor.stop()).toBe(0);
  await until(() => collector.spans.length === 1, "the span has come");
});
