/** What a runner tells a collector about its jobs: real jobs, a real Redis, a collector that takes OTLP. */
import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { JobClient } from "@herorunner/job";
import { expect, onTestFinished, test } from "vitest";
import { endToEnd } from "../support/e2e.ts";
import { shellHero } from "../support/stand-in-hero.ts";
import { makeCertificates } from "../support/tls-certificates.ts";
import { until } from "../support/until.ts";
import { type ReceivedSpan, startCollector } from "./support/collector.ts";
import { listLoaded } from "./support/programs.ts";

const bed = endToEnd();
const names = ["job", "wait", "verify", "run", "settle"];
const soon = { OTEL_BSP_SCHEDULE_DELAY: "50" };
const consumer = 5;
const failed = 2;

async function client(): Promise<JobClient> {
  const open = await JobClient.connect(bed.server.url);
  onTestFinished(() => open.close());
  return open;
}

const newTrace = (flags = "01") => {
  const [traceId, spanId] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
  return { traceId, spanId, text: `00-${traceId}-${spanId}-${flags}` };
};

test("a job is a trace of its own: it waits, is verified, runs and is settled, one after the other", async () => {
  const collector = await startCollector();
  const runner = bed.newRunner();
  const started = await bed.start(runner, ["--hero", await shellHero(), "--otlp-endpoint", collector.url], {
    env: soon,
  });
  const jobs = await client();
  const payload = 'echo "trace=$TRACEPARENT"; echo of-the-output; echo $MY_TOKEN >&2';
  const before = Date.now();
  const { id } = await jobs.submit({
    ...{ runner, payload, callerId: "alice", contextId: "ctx" },
    envVars: { MY_TOKEN: "of-the-variables" },
  });
  const done = await jobs.wait(id, { runner });
  const { spans, span } = await collector.trace({ job: id }, names);
  const after = Date.now(); // not before: the client may know of the end while the runner still waits for its answer

  expect(spans).toHaveLength(5);
  const [job, wait, verify, run, settle] = names.map(span) as [
    ReceivedSpan,
    ReceivedSpan,
    ReceivedSpan,
    ReceivedSpan,
    ReceivedSpan,
  ];
  expect(job).toMatchObject({ parentSpanId: "", kind: consumer, status: 0 });
  for (const one of [wait, verify, run, settle])
    expect(one).toMatchObject({ parentSpanId: job.spanId, kind: 1 });
  expect([wait.startMs, verify.startMs, run.startMs, settle.startMs, job.endMs]).toEqual([
    job.startMs,
    wait.endMs,
    verify.endMs,
    run.endMs,
    settle.endMs,
  ]);
  for (const { startMs, endMs } of spans) expect(endMs).toBeGreaterThanOrEqual(startMs);
  // Redis and the runner share this host's clock; a round trip lies between the two times of the claim.
  expect(job.startMs).toBeGreaterThan(before - 250);
  expect(job.endMs).toBeLessThan(after + 250);
  expect(done.result).toBe(`trace=00-${job.traceId}-${run.spanId}-01\nof-the-output\n`);
  expect(job.attributes).toMatchObject({
    "messaging.system": "redis",
    "messaging.operation.type": "process",
    "messaging.destination.name": `hero:{${runner}}:queue`,
    "messaging.message.id": id,
    "messaging.message.body.size": payload.length,
    "hero.job.id": id,
    "hero.job.claims": 1,
    "hero.job.caller_id": "alice",
    "hero.job.context_id": "ctx",
    "hero.job.status": "finished",
    "hero.runner.id": runner,
  });
  expect(run.attributes).toMatchObject({ "process.exit.code": 0, "hero.process.stderr_bytes": 17 });
  expect(job.resource).toMatchObject({ "service.name": "herorunner", "process.pid": started.pid });
  for (const secret of ["of-the-output", "of-the-variables", "echo", "MY_TOKEN"])
    expect(collector.text).not.toContain(secret);
});

test("a job that names a trace belongs to it, and its processes stand below the run; the hash is not changed", async () => {
  const collector = await startCollector();
  const runner = bed.newRunner();
  await bed.start(runner, ["--hero", await shellHero(), "--otlp-endpoint", `${collector.url}/`], {
    env: soon,
  });
  const jobs = await client();
  const given = newTrace();
  const { id } = await jobs.submit({ runner, payload: "echo $TRACEPARENT", trace: given.text });
  const done = await jobs.wait(id, { runner });
  const { span } = await collector.trace({ job: id }, names);
  expect(span("job")).toMatchObject({ traceId: given.traceId, parentSpanId: given.spanId });
  expect(done.result).toBe(`00-${given.traceId}-${span("run").spanId}-01\n`);
  expect(String(await bed.redis.call("HGET", `hero:{${runner}}:job:${id}`, "trace"))).toBe(given.text);
});

test("a trace that nobody keeps is not sent, and reaches the job as it came", async () => {
  const collector = await startCollector();
  const runner = bed.newRunner();
  await bed.start(runner, ["--hero", await shellHero(), "--otlp-endpoint", collector.url], { env: soon });
  const jobs = await client();
  const given = newTrace("00");
  const { id } = await jobs.submit({ runner, payload: "echo $TRACEPARENT", trace: given.text });
  expect((await jobs.wait(id, { runner })).result).toBe(`${given.text}\n`);
  const kept = await jobs.submit({ runner, payload: "true" });
  await jobs.wait(kept.id, { runner });
  await collector.trace({ job: kept.id }, names);
  expect(collector.text).not.toContain(given.traceId);
});

test("what ends badly says so by its reason, with nothing of what it wrote", async () => {
  const collector = await startCollector();
  const runner = bed.newRunner();
  await bed.start(runner, ["--hero", await shellHero(), "--otlp-endpoint", collector.url], { env: soon });
  const jobs = await client();
  const broken = await jobs.submit({ runner, payload: "echo from-the-script >&2; exit 3" });
  await jobs.wait(broken.id, { runner });
  const { span } = await collector.trace({ job: broken.id }, names);
  for (const one of [span("job"), span("run")]) {
    expect(one).toMatchObject({ status: failed, statusMessage: "exit_status" });
    expect(one.attributes["error.type"]).toBe("exit_status");
  }
  expect(span("run").attributes["process.exit.code"]).toBe(3);
  expect(span("settle").status).toBe(0);

  await bed.redis.call("HSET", `hero:{${runner}}:job:bad`, "payload", "true", "executor", "of-somebody-else");
  await bed.redis.call("LPUSH", `hero:{${runner}}:queue`, "bad");
  const refused = await collector.trace({ job: "bad" }, ["job", "verify", "settle"]);
  // Pushed by hand: nobody wrote down when.
  expect(refused.spans.map(({ name }) => name).sort()).toEqual(["job", "settle", "verify"]);
  expect(refused.span("verify")).toMatchObject({ status: failed, statusMessage: "malformed" });
  expect(refused.span("job")).toMatchObject({ status: failed, statusMessage: "malformed" });
  for (const foreign of ["from-the-script", "of-somebody-else"])
    expect(collector.text).not.toContain(foreign);
});

test("a client's nonsense about times and traces makes a trace without it, and no time that runs backwards", async () => {
  const collector = await startCollector();
  const runner = bed.newRunner();
  await bed.start(runner, ["--hero", await shellHero(), "--otlp-endpoint", collector.url], { env: soon });
  const lies = { future: String(Date.now() + 3_600_000), ancient: "1000000000000", text: "yesterday" };
  for (const [id, queuedAt] of Object.entries(lies)) {
    await bed.redis.call("HSET", `hero:{${runner}}:job:${id}`, "payload", "true", "queued_at", queuedAt);
    await bed.redis.call("LPUSH", `hero:{${runner}}:queue`, id);
    const { spans, span } = await collector.trace({ job: id }, ["job", "verify", "run", "settle"]);
    expect(spans.map(({ name }) => name)).not.toContain("wait");
    expect(span("job").endMs).toBeGreaterThanOrEqual(span("job").startMs);
    expect(span("job").startMs).toBe(span("verify").startMs);
  }
  await bed.redis.call(
    "HSET",
    `hero:{${runner}}:job:t`,
    "payload",
    "true",
    "trace",
    `00-${"0".repeat(32)}-${"0".repeat(16)}-01`,
  );
  await bed.redis.call("LPUSH", `hero:{${runner}}:queue`, "t");
  const { span } = await collector.trace({ job: "t" }, ["job"]);
  expect(span("job").parentSpanId).toBe("");
});

test("the standard variables say where to, with which headers and under which name", async () => {
  const collector = await startCollector();
  const runner = bed.newRunner();
  const hero = await shellHero();
  const started = await bed.start(runner, ["--hero", hero], {
    env: {
      ...soon,
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/base`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=of-the-headers",
      OTEL_SERVICE_NAME: "nightly",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.version=9",
    },
  });
  const jobs = await client();
  const { id } = await jobs.submit({ runner, payload: "env" });
  const done = await jobs.wait(id, { runner });
  const { span } = await collector.trace({ job: id }, ["job"]);
  expect(span("job").resource).toMatchObject({
    "service.name": "nightly",
    "service.version": "9",
    "deployment.environment.name": "test",
  });
  const [request] = collector.requests;
  expect(request?.url).toBe("/base/v1/traces");
  expect(request?.headers["x-key"]).toBe("of-the-headers");
  expect(done.result).not.toContain("OTEL_");
  expect(started.stdout() + started.stderr()).not.toContain("of-the-headers");
});

test("over TLS to a collector whose authority is named, compressed; a certificate that is not there ends nothing", async () => {
  const made = await makeCertificates();
  onTestFinished(() => rm(made.folder, { recursive: true, force: true }));
  const [cert, key] = [await readFile(made.certFile, "utf8"), await readFile(made.keyFile, "utf8")];
  const collector = await startCollector(undefined, { tls: { cert, key } });
  const jobs = await client();
  const runOne = async (env: Record<string, string>) => {
    const runner = bed.newRunner();
    const args = ["--hero", await shellHero(), "--otlp-endpoint", collector.url];
    const started = await bed.start(runner, args, { env: { ...soon, ...env } });
    const { id } = await jobs.submit({ runner, payload: "true" });
    expect((await jobs.wait(id, { runner })).status).toBe("finished");
    return { id, started };
  };
  const trusted = { OTEL_EXPORTER_OTLP_CERTIFICATE: made.caFile, OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" };
  const { id } = await runOne(trusted);
  await collector.trace({ job: id }, names);
  expect(collector.requests[0]?.headers["content-encoding"]).toBe("gzip");
  const stranger = await runOne({});
  await stranger.started.logged("spans are dropped");
  const missing = await runOne({ OTEL_EXPORTER_OTLP_CERTIFICATE: `${made.folder}/nothing-here` });
  expect(missing.started.stderr()).toContain("traces cannot be made");
});

test("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is; a ratio of 0 keeps no trace that begins here", async () => {
  const collector = await startCollector();
  const runner = bed.newRunner();
  await bed.start(runner, ["--hero", await shellHero()], {
    env: {
      ...soon,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/somewhere?of=mine`,
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0",
    },
  });
  const jobs = await client();
  const unkept = await jobs.submit({ runner, payload: "true" });
  await jobs.wait(unkept.id, { runner });
  const kept = await jobs.submit({ runner, payload: "true", trace: newTrace().text });
  await jobs.wait(kept.id, { runner });
  await collector.trace({ job: kept.id }, names);
  expect(collector.requests[0]?.url).toBe("/somewhere?of=mine");
  expect(collector.text).not.toContain(unkept.id);
});

test("only with an endpoint is OpenTelemetry's SDK loaded", async () => {
  const collector = await startCollector();
  const hero = await shellHero();
  for (const [wanted, args] of [
    [false, []],
    [true, ["--otlp-endpoint", collector.url]],
  ] as const) {
    const loaded = await listLoaded();
    const runner = bed.newRunner();
    const started = await bed.start(runner, ["--hero", hero, ...args], loaded);
    const jobs = await client();
    const given = newTrace("00");
    const { id } = await jobs.submit({ runner, payload: "echo $TRACEPARENT", trace: given.text });
    expect((await jobs.wait(id, { runner })).result).toBe(`${given.text}\n`);
    started.signal("SIGTERM");
    expect(await started.exited).toBe(0);
    expect((await loaded.sdk()).length > 0).toBe(wanted);
  }
});

test.each(["OTEL_SDK_DISABLED=true", "OTEL_TRACES_EXPORTER=none"])("%s is a no", async (variable) => {
  const [name = "", value = ""] = variable.split("=");
  const args = ["--hero", await shellHero(), "--otlp-endpoint", "http://127.0.0.1:1", "--burst"];
  const started = await bed.start(bed.newRunner(), args, { env: { [name]: value } });
  expect(await started.exited).toBe(0);
  expect(started.stdout()).not.toContain("traces are sent");
});

test("a variable that means something else than http is named, and ends nothing", async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4317" };
  const started = await bed.start(bed.newRunner(), ["--hero", await shellHero(), "--burst"], { env });
  expect(await started.exited).toBe(0);
  expect(started.stderr()).toContain("OTEL_EXPORTER_OTLP_ENDPOINT does not begin with http");
});

test("what waits is sent when the runner ends", async () => {
  const collector = await startCollector();
  const runner = bed.newRunner();
  const started = await bed.start(runner, ["--hero", await shellHero(), "--otlp-endpoint", collector.url]);
  const jobs = await client();
  const { id } = await jobs.submit({ runner, payload: "true" });
  await jobs.wait(id, { runner });
  started.signal("SIGTERM");
  expect(await started.exited).toBe(0);
  await until(() => collector.spans.length === 5, "all spans have come");
});
