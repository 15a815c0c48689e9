/** A collector that is away, hangs, or answers nonsense costs spans and nothing else: jobs flow, and the runner ends as ever. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { JobClient } from "@herorunner/job";
import { expect, onTestFinished, test } from "vitest";
import { scrape } from "../metrics/support/exposition.ts";
import { endToEnd } from "../support/e2e.ts";
import { freePort } from "../support/free-port.ts";
import type { Herorunner } from "../support/herorunner.ts";
import { shellHero } from "../support/stand-in-hero.ts";
import { until } from "../support/until.ts";
import { type Answer, startCollector } from "./support/collector.ts";

const bed = endToEnd();
const soon = { OTEL_BSP_SCHEDULE_DELAY: "50" };

async function start(
  endpoint: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ runner: string; started: Herorunner }> {
  const runner = bed.newRunner();
  const args = ["--hero", await shellHero(), "--listen", "127.0.0.1:0", "--otlp-endpoint", endpoint];
  return { runner, started: await bed.start(runner, args, { env: { ...soon, ...env } }) };
}

const dropped = async (started: Herorunner): Promise<number> => {
  const address = /address=(\S+)/.exec(started.stdout())?.[1];
  const seen = await scrape(`http://${address}`);
  return seen.value('herorunner_trace_spans_total{result="dropped"}') ?? -1;
};

async function doJobs(runner: string, count: number): Promise<void> {
  const jobs = await JobClient.connect(bed.server.url);
  onTestFinished(() => jobs.close());
  for (let done = 0; done < count; done += 1) {
    const { id } = await jobs.submit({ runner, payload: "true" });
    expect((await jobs.wait(id, { runner, timeoutMs: 40_000 })).status).toBe("finished");
  }
}

async function endsAsEver(started: Herorunner): Promise<void> {
  const toldMs = performance.now();
  started.signal("SIGTERM");
  expect(await started.exited).toBe(0);
  expect(performance.now() - toldMs).toBeLessThan(6_000);
  expect(started.stderr()).not.toContain("process ends now");
}

/** Speaks no HTTP at all. */
async function babbler(): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end("220 mail.example ready\r\n");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server's address is no string
}

const times = (text: string, what: string): number => text.split(what).length - 1;

test("away: said once, counted, and taken up again when it is there", async () => {
  const port = await freePort();
  const { runner, started } = await start(`http://127.0.0.1:${port}`);
  await doJobs(runner, 3);
  await until(async () => (await dropped(started)) >= 15, "the spans are given up");
  await doJobs(runner, 1);
  await until(async () => (await dropped(started)) >= 20, "these are too");
  expect(times(started.stderr(), "spans are dropped")).toBe(1);
  expect(started.stderr()).toContain("ECONNREFUSED");
  const collector = await startCollector(undefined, { port });
  await doJobs(runner, 1);
  await started.logged("traces are sent again");
  await until(() => collector.spans.length >= 5, "the spans have come");
  expect(collector.spans).toHaveLength(5);
  expect(await dropped(started)).toBe(20);
  await endsAsEver(started);
});

const hangs: Answer = () => undefined;
const drips: Answer = (_request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  const drip = setInterval(() => response.write(" "), 100);
  response.on("close", () => clearInterval(drip));
};
const garbage: Answer = (_request, response) => void response.writeHead(200).end("\u0000no answer");
const refuses: Answer = (_request, response) => void response.writeHead(400).end("of-the-collector");
const tooMany: Answer = (_request, response) => void response.writeHead(429, { "retry-after": "0" }).end();

test.each([
  ["hangs", hangs],
  ["answers drop by drop, without end", drips],
])("one that %s is given up, while jobs flow", async (_name, answer) => {
  const collector = await startCollector(answer);
  const { runner, started } = await start(collector.url);
  await doJobs(runner, 2);
  await until(() => collector.requests.length > 0, "it was asked");
  await doJobs(runner, 2);
  await until(async () => (await dropped(started)) >= 10, "the first are given up");
  await doJobs(runner, 1);
  await endsAsEver(started);
});

test("a runner that ends while a collector answers drop by drop waits for it a few seconds, no more", async () => {
  const collector = await startCollector(drips);
  const { runner, started } = await start(collector.url);
  await doJobs(runner, 1);
  await endsAsEver(started);
  expect(collector.requests).toHaveLength(1);
  expect(started.stderr()).toContain("spans are dropped");
});

test.each([
  ["refuses", refuses, "status 400"],
  ["has too many", tooMany, "retryable status"],
])("one that %s is named by what it said, without its words", async (_name, answer, why) => {
  const collector = await startCollector(answer);
  const { runner, started } = await start(collector.url);
  await doJobs(runner, 2);
  await until(async () => (await dropped(started)) >= 10, "the spans are given up");
  expect(started.stderr()).toContain(why);
  expect(started.stderr()).not.toContain("of-the-collector");
  await endsAsEver(started);
});

test("something that speaks no HTTP costs the spans; an answer nobody understands costs nothing", async () => {
  const mail = await start(await babbler());
  await doJobs(mail.runner, 1);
  await until(async () => (await dropped(mail.started)) >= 5, "the spans are given up");
  await endsAsEver(mail.started);
  const collector = await startCollector(garbage);
  const { runner, started } = await start(collector.url);
  await doJobs(runner, 1);
  await until(() => collector.requests.length === 1, "it was sent");
  await endsAsEver(started);
  expect(started.stderr()).not.toContain("dropped");
});

test("no more spans wait than may, and that is said once", async () => {
  const collector = await startCollector(hangs);
  const { runner, started } = await start(collector.url, { OTEL_BSP_MAX_QUEUE_SIZE: "7" });
  await doJobs(runner, 1);
  await until(() => collector.requests.length === 1, "the first are on their way");
  await doJobs(runner, 4);
  // The spans of a job are told after its end.
  await until(async () => (await dropped(started)) >= 20 - 7, "the others are dropped");
  expect(times(started.stderr(), "more spans than the collector takes")).toBe(1);
  await endsAsEver(started);
});

test("a redirect is not followed", async () => {
  const elsewhere = await startCollector();
  const collector = await startCollector((_request, response) => {
    response.writeHead(307, { location: `${elsewhere.url}/v1/traces` }).end();
  });
  const { runner, started } = await start(collector.url);
  await doJobs(runner, 1);
  await until(async () => (await dropped(started)) >= 5, "the spans are given up");
  expect(started.stderr()).toContain("status 307");
  expect(elsewhere.requests).toHaveLength(0);
});

test("no proxy is asked that stands in the environment", async () => {
  const proxy = await startCollector();
  const collector = await startCollector();
  const runner = bed.newRunner();
  const env = {
    HTTP_PROXY: proxy.url,
    http_proxy: proxy.url,
    ALL_PROXY: proxy.url,
    NODE_USE_ENV_PROXY: "1",
    ...soon,
  };
  await bed.start(runner, ["--hero", await shellHero(), "--otlp-endpoint", collector.url], { env });
  await doJobs(runner, 1);
  await until(() => collector.spans.length === 5, "the spans have come");
  expect(proxy.requests).toHaveLength(0);
});

test("a runner with nothing to tell asks nothing of its collector", async () => {
  const collector = await startCollector();
  const { runner, started } = await start(collector.url);
  await doJobs(runner, 1);
  await until(() => collector.spans.length === 5, "the spans have come");
  const asked = collector.requests.length;
  await endsAsEver(started);
  expect(collector.requests).toHaveLength(asked);
});
