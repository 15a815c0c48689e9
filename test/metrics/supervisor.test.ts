/** What a supervisor shows to whoever watches it, with a real runner behind it. */
import { PassThrough } from "node:stream";
import { createLogger, openMetrics } from "@herorunner/daemon";
import { expect, onTestFinished, test } from "vitest";
import { startSupervisor } from "../../packages/supervisor/src/supervisor.ts";
import { endToEnd } from "../support/e2e.ts";
import { promtool } from "../support/promtool.ts";
import { connectRedis } from "../support/redis-client.ts";
import { startRedis } from "../support/redis-server.ts";
import { shellHero } from "../support/stand-in-hero.ts";
import { until } from "../support/until.ts";
import { scrape, strangers } from "./support/exposition.ts";
import { supervisorMetrics } from "./support/known-metrics.ts";

const adminSecret = "an admin secret for tests only";
const bed = endToEnd();

async function serve(redisUrl: string) {
  const silent = new PassThrough().resume();
  const logger = createLogger({ level: "ERROR", format: "text", out: silent, err: silent });
  const metrics = await openMetrics();
  const supervisor = await startSupervisor({
    ...{ redisUrl, adminSecret, logger, metrics },
    host: "127.0.0.1",
    port: 0,
  });
  onTestFinished(() => supervisor.close(AbortSignal.abort()));
  const base = `http://127.0.0.1:${supervisor.port}`;
  const call = async (method: string, params: unknown, key = adminSecret): Promise<number> => {
    const answer = await fetch(`${base}/rpc`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const body = (await answer.json()) as { error?: { code: number } };
    return body.error?.code ?? 0;
  };
  return { base, call };
}

test("promtool accepts what a supervisor shows after real jobs, and it shows every metric of the table", async () => {
  const id = bed.newRunner();
  await bed.start(id, ["--hero", await shellHero()]);
  const { base, call } = await serve(bed.server.url);
  for (const runner of [id, "nobody"]) expect(await call("runner.register", { id: runner })).toBe(0);
  const job = { runner: id, id: "j1", payload: "echo well" };
  expect(await call("job.run", { ...job, wait: 30 })).toBe(0);
  expect(await call("job.run", job)).toBe(0);
  expect(await call("job.run", { ...job, payload: "echo other" })).toBe(-32009);
  expect(await call("job.run", { runner: "nobody", id: "j2", payload: "echo never" })).toBe(0);
  expect(await call("no.such.method", {})).toBe(-32601);
  // Ten are answered as what they are, the eleventh with 429.
  for (let guess = 0; guess < 11; guess += 1) await call("runner.list", {}, `guess-${guess}`);
  const following = new AbortController();
  const followed = await fetch(`${base}/jobs/j2/log?runner=nobody`, {
    headers: { authorization: `Bearer ${adminSecret}` },
    signal: following.signal,
  });
  expect(followed.status).toBe(429); // the same address

  const seen = await scrape(base);
  expect(await promtool(["check", "metrics"], seen.text)).toEqual({ code: 0, text: "" });
  expect(strangers(seen, supervisorMetrics)).toEqual([]);
  expect([...seen.families].sort()).toEqual(supervisorMetrics.map(({ name }) => name).sort());
  const expected = {
    'herosupervisor_calls_total{method="job.run",code="0"}': 3,
    'herosupervisor_calls_total{method="job.run",code="-32009"}': 1,
    'herosupervisor_calls_total{method="unknown",code="-32601"}': 1,
    'herosupervisor_call_duration_seconds_count{method="job.run"}': 4,
    'herosupervisor_jobs_total{outcome="created"}': 2,
    'herosupervisor_jobs_total{outcome="exists"}': 1,
    'herosupervisor_jobs_total{outcome="conflict"}': 1,
    herosupervisor_wrong_keys_total: 10,
    'herosupervisor_rate_limited_total{limit="too_many_failures"}': 2,
    'herosupervisor_rate_limited_total{limit="busy"}': 0,
    herosupervisor_redis_up: 1,
    herosupervisor_redis_writable: 1,
    [`herosupervisor_runner_alive{runner="${id}"}`]: 1,
    'herosupervisor_runner_alive{runner="nobody"}': 0,
    'herosupervisor_runner_jobs{runner="nobody",state="queued"}': 1,
    [`herosupervisor_runner_jobs{runner="${id}",state="queued"}`]: 0,
  };
  expect(Object.fromEntries(Object.keys(expected).map((series) => [series, seen.value(series)]))).toEqual(
    expected,
  );
  expect(seen.value("herosupervisor_redis_memory_bytes")).toBeGreaterThan(100_000);
  expect(seen.value("herosupervisor_redis_memory_max_bytes")).toBeUndefined();
});

test("open streams are counted, and runners that were removed are shown no more", async () => {
  const { base, call } = await serve(bed.server.url);
  expect(await call("runner.register", { id: "brief" })).toBe(0);
  const following = new AbortController();
  onTestFinished(() => following.abort());
  await fetch(`${base}/events`, {
    headers: { authorization: `Bearer ${adminSecret}` },
    signal: following.signal,
  });
  const seen = await scrape(base);
  expect(seen.value("herosupervisor_streams")).toBe(1);
  expect(seen.value("herosupervisor_streams_opened_total")).toBe(1);
  expect(seen.value("herosupervisor_connections")).toBeGreaterThanOrEqual(1);
  expect(seen.value('herosupervisor_runner_alive{runner="brief"}')).toBe(0);
  expect(await call("runner.remove", { id: "brief" })).toBe(0);
  await until(async () => !(await scrape(base)).text.includes('runner="brief"'), "it is shown no more");
});

test("a full Redis and a Redis that is gone are told apart", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = connectRedis(server.url);
  onTestFinished(() => redis.close());
  const { base } = await serve(server.url);
  const readyz = async () => {
    const answer = await fetch(`${base}/readyz`);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  expect(await readyz()).toMatchObject({ status: 200, body: { redis_trouble: null } });
  await redis.call("CONFIG", "SET", "maxmemory", "1");
  expect(await readyz()).toMatchObject({
    status: 503,
    body: { redis_trouble: "full", reasons: ["Redis is full: it takes no new jobs"] },
  });
  await until(async () => (await scrape(base)).value("herosupervisor_redis_writable") === 0, "it is shown");
  expect((await scrape(base)).value("herosupervisor_redis_memory_max_bytes")).toBe(1);
  await server.kill();
  await until(async () => (await scrape(base)).value("herosupervisor_redis_up") === 0, "it is gone");
  expect((await scrape(base)).value("herosupervisor_redis_writable")).toBeUndefined();
  expect(await readyz()).toMatchObject({ status: 503, body: { reasons: ["Redis does not answer"] } });
});
