/** What a runner shows to whoever watches it: real jobs, a real Redis that fills up and goes away, a trust file that breaks. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JobClient } from "@herorunner/job";
import { generateKey, generateKeyFile, type SecretKey, signJob } from "@herorunner/job/trust";
import { expect, onTestFinished, test } from "vitest";
import { endToEnd } from "../support/e2e.ts";
import type { Herorunner } from "../support/herorunner.ts";
import { promtool } from "../support/promtool.ts";
import { connectRedis } from "../support/redis-client.ts";
import { startRedis } from "../support/redis-server.ts";
import { shellHero } from "../support/stand-in-hero.ts";
import { startHerorunner } from "../support/herorunner.ts";
import { until } from "../support/until.ts";
import { type Exposition, scrape, strangers } from "./support/exposition.ts";
import { runnerMetrics } from "./support/known-metrics.ts";

const bed = endToEnd();
const listen = ["--listen", "127.0.0.1:0"];

function baseOf(runner: Herorunner): string {
  return `http://${/address=(\S+)/.exec(runner.stdout())?.[1]}`;
}

async function readyz(runner: Herorunner): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${baseOf(runner)}/readyz`);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Scrapes until it holds; the last exposition. */
async function scrapeUntil(
  runner: Herorunner,
  what: string,
  holds: (seen: Exposition) => boolean,
): Promise<Exposition> {
  let seen = await scrape(baseOf(runner));
  await until(async () => holds((seen = await scrape(baseOf(runner)))), what);
  return seen;
}

async function folderOfTest(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-metrics-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** One key that counts, and one whose time is over. */
function trustOf(key: SecretKey): string {
  const past = { name: "old", public_key: generateKey("old").publicKey, not_after: 1 };
  return JSON.stringify({ signers: [{ name: key.name, public_key: key.publicKey }, past] });
}

test("promtool accepts what a runner shows after jobs of every kind, and it shows every metric of the table", async () => {
  const folder = await folderOfTest();
  const [alice, mallory] = [generateKey("alice"), generateKey("mallory")];
  await writeFile(join(folder, "trust.json"), trustOf(alice));
  await generateKeyFile(join(folder, "receipt.key"), "receipts");
  const id = bed.newRunner();
  const options = ["--trust", join(folder, "trust.json"), "--receipt-key", join(folder, "receipt.key")];
  const runner = await bed.start(id, [...listen, ...options, "--hero", await shellHero()]);
  const client = await JobClient.connect(bed.server.url);
  onTestFinished(() => client[Symbol.asyncDispose]());
  const run = async (payload: string, key: SecretKey, jobId: string): Promise<string> => {
    await client.submit(
      { runner: id, id: jobId, payload, envVars: { API_TOKEN: "a-secret-word" } },
      { sign: (job) => signJob(job, key, { nowSeconds: Date.now() / 1000 }) },
    );
    const job = await client.wait(jobId, { runner: id });
    return job.reason ?? job.status;
  };
  expect(await run("echo 12345; echo a-secret-word >&2", alice, "good")).toBe("finished");
  expect(await run("exit 3", alice, "bad")).toBe("exit_status");
  expect(await run("echo never", mallory, "strange")).toBe("untrusted_signer");
  await bed.redis.submit(id, "unsigned", { payload: "echo never" });
  await bed.redis.final(id, "unsigned");
  await bed.redis.call("LPUSH", `hero:{${id}}:queue`, "not an id");

  // What Redis was asked may be a second older than what the runner counts itself.
  const seen = await scrapeUntil(
    runner,
    "the bad id is put aside, and Redis was asked since",
    (now) =>
      now.value('herorunner_put_aside_total{why="bad_id"}') === 1 &&
      now.value(`herorunner_queue_dead_ids{runner="${id}"}`) === 1,
  );
  expect(await promtool(["check", "metrics"], seen.text)).toEqual({ code: 0, text: "" });
  expect(strangers(seen, runnerMetrics)).toEqual([]);
  expect([...seen.families].sort()).toEqual(runnerMetrics.map(({ name }) => name).sort());
  const expected = {
    herorunner_claims_total: 4,
    'herorunner_jobs_total{status="finished",reason=""}': 1,
    'herorunner_jobs_total{status="error",reason="exit_status"}': 1,
    'herorunner_jobs_total{status="error",reason="timeout"}': 0,
    'herorunner_refused_total{reason="untrusted_signer"}': 1,
    'herorunner_refused_total{reason="unsigned"}': 1,
    'herorunner_signature_checks_total{result="verified"}': 2,
    'herorunner_signature_checks_total{result="refused"}': 2,
    'herorunner_replay_journal_total{answer="accepted"}': 2,
    'herorunner_receipts_total{result="signed"}': 2,
    'herorunner_job_output_bytes_total{stream="stdout"}': 6,
    herorunner_masked_secrets_total: 1,
    herorunner_job_duration_seconds_count: 2,
    herorunner_job_waiting_seconds_count: 3,
    herorunner_ready: 1,
    herorunner_slots: 1,
    herorunner_redis_up: 1,
    'herorunner_redis_trouble{code="full"}': 0,
    [`herorunner_queue_waiting_jobs{runner="${id}"}`]: 0,
    [`herorunner_queue_oldest_waiting_seconds{runner="${id}"}`]: 0,
    [`herorunner_queue_dead_ids{runner="${id}"}`]: 1,
    [`herorunner_queue_instances{runner="${id}"}`]: 1,
    'herorunner_trust_signers{dates="current"}': 1,
    'herorunner_trust_signers{dates="past"}': 1,
  };
  expect(Object.fromEntries(Object.keys(expected).map((series) => [series, seen.value(series)]))).toEqual(
    expected,
  );
  expect(seen.text).toMatch(/^herorunner_build_info\{version="\d[^"]*",commit="\w+",node="v\d+[^"]*"\} 1$/m);
});

test("a job that was lost with its runner for the last time is counted as poisoned, from 0 on, and told as an error", async () => {
  const id = bed.newRunner();
  const runner = await bed.start(id, [...listen, "--hero", await shellHero()]);
  const poisoned = 'herorunner_reclaimed_total{answer="poisoned",found="overdue"}';
  expect((await scrape(baseOf(runner))).value(poisoned)).toBe(0);
  // As a runner leaves it that dies with the job in its fifth claim.
  const fields = { status: "dispatched", payload: "true", claims: "5", owner: "gone.1.1", token: "t" };
  await bed.redis.call("HSET", `hero:{${id}}:job:evil`, ...Object.entries(fields).flat());
  await bed.redis.call("ZADD", `hero:{${id}}:leases`, "1", "evil");
  await bed.redis.call("LPUSH", `hero:{${id}}:active`, "evil");
  expect(await bed.redis.final(id, "evil")).toMatchObject({ status: "error", reason: "poisoned" });
  const seen = await scrapeUntil(runner, "it is counted", (now) => now.value(poisoned) === 1);
  expect(seen.value('herorunner_reclaimed_total{answer="failed",found="overdue"}')).toBe(0);
  await until(() => /ERROR .*it ended as poisoned/.test(runner.stderr()), "it is told");
});

test("what waits is counted and dated, whether its client said when it was queued or not", async () => {
  const id = bed.newRunner();
  const runner = await bed.start(id, [...listen, "--hero", await shellHero()]);
  await bed.redis.call("HSET", `hero:{${id}}:settings`, "paused", "1");
  await bed.redis.call("PUBLISH", `hero:{${id}}:control`, '{"op":"pause"}');
  await scrapeUntil(runner, "it is paused", (now) => now.value("herorunner_paused") === 1);
  const oldest = `herorunner_queue_oldest_waiting_seconds{runner="${id}"}`;
  await bed.redis.submit(id, "by-hand", { payload: "true" });
  const waiting = `herorunner_queue_waiting_jobs{runner="${id}"}`;
  await scrapeUntil(runner, "the job is seen", (now) => now.value(waiting) === 1);
  const later = await scrapeUntil(runner, "it ages from then on", (now) => (now.value(oldest) ?? 0) > 1);
  expect(later.value(oldest)).toBeLessThan(30);
  const [seconds] = (await bed.redis.call("TIME")) as readonly string[];
  await bed.redis.call(
    "HSET",
    `hero:{${id}}:job:by-hand`,
    "queued_at",
    String((Number(seconds) - 3600) * 1000),
  );
  const dated = await scrapeUntil(runner, "its own date counts", (now) => (now.value(oldest) ?? 0) > 3000);
  expect(dated.value(oldest)).toBeLessThan(4000);
  await bed.redis.call("HSET", `hero:{${id}}:job:by-hand`, "queued_at", "nonsense");
  await scrapeUntil(runner, "nonsense is not believed", (now) => (now.value(oldest) ?? 9e9) < 100);
  expect((await readyz(runner)).body).toMatchObject({ ok: true, paused: true });
});

test("as long as nobody scrapes there is no connection for it, and however many do there is one", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = connectRedis(server.url);
  onTestFinished(() => redis.close());
  const runner = await startHerorunner(["-r", server.url, "watched", ...listen]);
  const connections = async (): Promise<number> =>
    String(await redis.call("CLIENT", "LIST"))
      .trim()
      .split("\n").length;
  await until(async () => (await readyz(runner)).status === 200, "it is ready");
  await until(async () => (await connections()) === 5, "the four of the runner and ours stand");
  for (let round = 0; round < 10; round += 1) await Promise.all([1, 2, 3].map(() => scrape(baseOf(runner))));
  expect(await connections()).toBe(6);
});

test("a full Redis is named by /readyz and by the metrics, and being well again too", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = connectRedis(server.url);
  onTestFinished(() => redis.close());
  const runner = await startHerorunner(["-r", server.url, "full", ...listen]);
  await until(async () => (await readyz(runner)).status === 200, "it is ready");
  await redis.call("CONFIG", "SET", "maxmemory", "1");
  await until(async () => (await readyz(runner)).body["redis_trouble"] === "full", "it notices");
  expect((await readyz(runner)).body).toMatchObject({
    ok: false,
    reasons: expect.arrayContaining(["Redis is full: it takes no new jobs; endings are stored all the same"]),
  });
  const seen = await scrapeUntil(runner, "Redis was asked", (now) => now.value("herorunner_redis_up") === 1);
  expect(seen.value('herorunner_redis_trouble{code="full"}')).toBe(1);
  expect(seen.value("herorunner_ready")).toBe(0);
  expect(seen.value('herorunner_queue_waiting_jobs{runner="full"}')).toBe(0);
  await redis.call("CONFIG", "SET", "maxmemory", "0");
  await until(async () => (await readyz(runner)).status === 200, "it is ready again");
  expect((await scrape(baseOf(runner))).value('herorunner_redis_trouble{code="full"}')).toBe(0);
});

test("without Redis a scrape is answered with what is known, and the connections made again are counted", async () => {
  const server = await startRedis({ args: ["--appendonly", "yes"] });
  onTestFinished(() => server.stop());
  const runner = await startHerorunner(["-r", server.url, "alone", ...listen]);
  await scrapeUntil(runner, "Redis is there", (now) => now.value("herorunner_redis_up") === 1);
  await server.kill();
  const gone = await scrapeUntil(
    runner,
    "it says that Redis is gone",
    (now) =>
      now.value('herorunner_redis_trouble{code="unavailable"}') === 1 &&
      now.value("herorunner_redis_up") === 0,
  );
  expect(gone.value('herorunner_queue_waiting_jobs{runner="alone"}')).toBeUndefined();
  expect((await readyz(runner)).status).toBe(503);
  expect((await fetch(`${baseOf(runner)}/healthz`)).status).toBe(200);
  await server.start();
  await scrapeUntil(
    runner,
    "all is well again, and every connection is counted",
    (now) =>
      now.value("herorunner_ready") === 1 &&
      now.value("herorunner_redis_up") === 1 &&
      (now.value("herorunner_redis_reconnects_total") ?? 0) >= 3,
  );
});

test("a Redis that is frozen keeps no scrape for longer than about a second", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const runner = await startHerorunner(["-r", server.url, "frozen", ...listen]);
  await scrapeUntil(runner, "Redis is there", (now) => now.value("herorunner_redis_up") === 1);
  server.freeze();
  const seen = await scrapeUntil(runner, "it is noticed", (now) => now.value("herorunner_redis_up") === 0);
  expect(seen.value("herorunner_slots")).toBe(1);
  const startedMs = performance.now();
  await scrape(baseOf(runner));
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  server.thaw();
  await scrapeUntil(runner, "it is back", (now) => now.value("herorunner_redis_up") === 1);
});

test("a trust file that cannot be read again is a reason not to be ready, until it can", async () => {
  const folder = await folderOfTest();
  const file = join(folder, "trust.json");
  const key = generateKey("alice");
  await writeFile(file, trustOf(key));
  const runner = await bed.start(bed.newRunner(), [...listen, "--trust", file]);
  expect((await readyz(runner)).body).toMatchObject({ signatures: "required", trust_problem: null });
  await writeFile(file, '{"signers": [');
  runner.signal("SIGHUP");
  await until(async () => (await readyz(runner)).status === 503, "the mistake is noticed");
  const { body } = await readyz(runner);
  expect(String(body["trust_problem"])).toContain("not valid JSON");
  expect(String(body["reasons"])).toContain("an old one is in force");
  const bad = await scrape(baseOf(runner));
  expect(bad.value("herorunner_trust_last_reload_successful")).toBe(0);
  expect(bad.value('herorunner_trust_reloads_total{result="failed"}')).toBe(1);
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;
  await writeFile(
    file,
    JSON.stringify({ signers: [{ name: "alice", public_key: key.publicKey, not_after: inAnHour }] }),
  );
  runner.signal("SIGHUP");
  await until(async () => (await readyz(runner)).status === 200, "it is mended");
  const good = await scrape(baseOf(runner));
  expect(good.value("herorunner_trust_last_reload_successful")).toBe(1);
  expect(good.value("herorunner_trust_next_key_end_timestamp_seconds")).toBe(inAnHour);
});

test("what starts jobs is shown, and what of it was lost", async () => {
  const runner = await bed.start(bed.newRunner(), listen);
  const seen = await scrapeUntil(
    runner,
    "a spawn server is there",
    (now) => now.value("herorunner_launcher_servers") === 1,
  );
  expect(seen.text).toMatch(/^herorunner_info\{.*launcher="spawn_server",signatures="off"\} 1$/m);
  for (const pid of await childrenOf(runner.pid))
    if ((await commandOf(pid)).includes("herorunner-spawn-server")) process.kill(pid, "SIGKILL");
  const lost = await scrapeUntil(
    runner,
    "its loss is counted",
    (now) => now.value("herorunner_launcher_servers_lost_total") === 1,
  );
  expect(lost.value("herorunner_launcher_servers")).toBe(0);
  expect(lost.text).toMatch(/^herorunner_info\{.*launcher="plain".*\} 1$/m);
});

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(" ").filter(Boolean).map(Number);
}

function commandOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}
