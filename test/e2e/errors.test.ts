/** What goes wrong with a job, seen from outside: each fault has its reason, a sentence, and costs no other job anything. */
import { readFileSync } from "node:fs";
import { chmod, copyFile, mkdir, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { isAlive } from "../support/alive.ts";
import { endToEnd, expectNothingTaken } from "../support/e2e.ts";
import type { Hash } from "../support/redis-client.ts";
import { shellHero, standInHero } from "../support/stand-in-hero.ts";
import { until } from "../support/until.ts";

const e2e = endToEnd();

test("without hero a job says what was looked for, and where", async () => {
  const id = e2e.newRunner();
  const runner = await e2e.start(id, [], { path: "/usr/bin:/bin" });
  await runner.logged("hero was not found");
  await e2e.redis.submit(id, "1", { payload: "x" });
  const missing = await e2e.redis.final(id, "1");
  expect(missing).toMatchObject({ status: "error", reason: "hero_not_found" });
  expect(missing["error"]).toContain('no program "hero" was found (PATH is /usr/bin:/bin)');
});

test("a --hero that is a folder, or becomes a file that may not be executed, is there and cannot be started", async () => {
  const hero = await standInHero("cat");
  const id = e2e.newRunner();
  const runner = await e2e.start(id, ["--hero", join(hero, "..")]);
  await runner.logged("jobs will end as could_not_start");
  await e2e.redis.submit(id, "folder", { payload: "x" });
  const { reason, error } = await e2e.redis.final(id, "folder");
  expect(reason).toBe("could_not_start");
  expect(error).toContain("is a folder, not a program");

  const other = e2e.newRunner();
  await e2e.start(other, ["--hero", hero]);
  for (const step of ["before", "after"]) {
    if (step === "after") await chmod(hero, 0o644);
    await e2e.redis.submit(other, step, { payload: "x" });
    const outcome = await e2e.redis.final(other, step);
    expect(outcome["reason"] ?? outcome["status"]).toBe(step === "before" ? "finished" : "could_not_start");
  }
});

test("hero is found when it appears, missed when it vanishes and found again, without a restart", async () => {
  const id = e2e.newRunner();
  const hero = await standInHero("cat");
  const folder = join(hero, "..", "later");
  await mkdir(folder);
  await e2e.start(id, [], { path: `${folder}${delimiter}/usr/bin${delimiter}/bin` });
  const place = join(folder, "hero");
  const reasons: (string | undefined)[] = [];
  for (const step of ["absent", "there", "gone", "back"]) {
    if (step === "there" || step === "back") {
      await copyFile(hero, place);
      await chmod(place, 0o755);
    }
    if (step === "gone") await rm(place);
    await e2e.redis.submit(id, step, { payload: "x" });
    const { status, reason } = await e2e.redis.final(id, step);
    reasons.push(reason ?? status);
  }
  expect(reasons).toEqual(["hero_not_found", "finished", "hero_not_found", "finished"]);
});

test("a timeout ends the script and everything it started, keeps its output and says so", async () => {
  const id = e2e.newRunner();
  const runner = await e2e.start(id, ["--hero", await shellHero(), "--grace", "1"]);
  const pids = join(runner.folder, "pids");
  const payload = `echo before; trap '' TERM; setsid sleep 300 & echo $! > ${pids}; echo $$ >> ${pids}; sleep 300; echo after`;
  await e2e.redis.submit(id, "1", { payload, timeout: "4" }); // it must have come to its last command by then
  const job = await e2e.redis.final(id, "1");
  expect(job).toMatchObject({ status: "error", reason: "timeout", result: "before\n" });
  expect(job["error"]).toMatch(/^timeout after 4 s/);
  const started = readFileSync(pids, "utf8").trim().split("\n");
  expect(started).toHaveLength(2);
  expect(started.filter(isAlive)).toEqual([]);
  expect(Number(job["duration_ms"])).toBeGreaterThanOrEqual(4_000);
});

test("a status other than 0 is kept, with both outputs and the end of the errors in the error", async () => {
  const id = e2e.newRunner();
  await e2e.start(id, ["--hero", await shellHero()]);
  await e2e.redis.submit(id, "1", { payload: "echo result; echo trouble >&2; exit 7" });
  const job = await e2e.redis.final(id, "1");
  expect(job).toMatchObject({
    ...{ status: "error", reason: "exit_status", exit_code: "7", result: "result\n", stderr: "trouble\n" },
    ...{ stdout_bytes: "7", stderr_bytes: "8", dropped_bytes: "0" },
  });
  expect(job["error"]).toMatch(/hero ended with exit code 7\ntrouble$/);
  await e2e.redis.submit(id, "2", { payload: "kill -SEGV $$" });
  expect(await e2e.redis.final(id, "2")).toMatchObject({ reason: "killed_by_signal", signal: "SIGSEGV" });
});

test("our hero's own errors reach the job: a syntax error with its place, an unknown action, what was printed before", async () => {
  const id = e2e.newRunner();
  await e2e.start(id);
  await e2e.redis.submit(id, "syntax", { payload: 'print("a"' });
  await e2e.redis.submit(id, "unknown", { payload: "!!git.fly_away" });
  await e2e.redis.submit(id, "fails", { payload: 'print("before")\nfail("on purpose")\nprint("after")' });
  expect(await e2e.redis.final(id, "syntax")).toMatchObject({ reason: "exit_status", exit_code: "3" });
  expect((await e2e.redis.job(id, "syntax"))["error"]).toMatch(/1:\d+/);
  expect(await e2e.redis.final(id, "unknown")).toMatchObject({ exit_code: "4" });
  const failed = await e2e.redis.final(id, "fails");
  expect(failed).toMatchObject({ exit_code: "1", result: "before\n" });
  expect(failed["stderr"]).toContain("on purpose");
});

const badFields: readonly (readonly [string, Hash, string, string])[] = [
  ["no payload", { timeout: "5" }, "malformed", "payload"],
  ["another id", { payload: "true", id: "other" }, "malformed", "id"],
  ["another runner", { payload: "true", runner: "other" }, "wrong_runner", "runner"],
  ["caller_id", { payload: "true", caller_id: "a b" }, "malformed", "caller_id"],
  ["context_id", { payload: "true", context_id: "a:b" }, "malformed", "context_id"],
  ["executor", { payload: "true", executor: "python" }, "malformed", "executor"],
  ["timeout in words", { payload: "true", timeout: "soon" }, "malformed", "timeout"],
  ["timeout too long", { payload: "true", timeout: "9999999" }, "malformed", "timeout"],
  ["env_vars as text", { payload: "true", env_vars: "A=1" }, "malformed", "env_vars"],
  ["env_vars with a number", { payload: "true", env_vars: '{"A":1}' }, "malformed", "env_vars"],
  ["env_vars with a bad name", { payload: "true", env_vars: '{"A=B":"1"}' }, "env_refused", "env_vars"],
  [
    "env_vars with a dangerous name",
    { payload: "true", env_vars: '{"LD_PRELOAD":"x"}' },
    "env_refused",
    "env_vars",
  ],
  ["max_attempts", { payload: "true", max_attempts: "0" }, "malformed", "max_attempts"],
  ["trace", { payload: "true", trace: "x" }, "malformed", "trace"],
  ["created_at", { payload: "true", created_at: "now" }, "malformed", "created_at"],
  ["expires_at", { payload: "true", expires_at: "-1" }, "malformed", "expires_at"],
  ["expires_at in the past", { payload: "true", expires_at: "1" }, "expired", "expires_at"],
  ["audience", { payload: "true", audience: "a b" }, "malformed", "audience"],
  ["nonce", { payload: "true", nonce: "1" }, "malformed", "nonce"],
  ["signatures", { payload: "true", signatures: '"x"' }, "malformed", "signatures"],
  ["a payload too large", { payload: `#${"x".repeat(2_000)}` }, "too_large", "payload"],
];

test("every bad field ends its job with the field's name, and the jobs behind it run", async () => {
  const id = e2e.newRunner();
  await e2e.start(id, ["--hero", await shellHero(), "--max-payload", "1000"]);
  for (const [name, fields] of badFields) {
    await e2e.redis.submit(id, name.replaceAll(" ", "-"), fields);
    await e2e.redis.submit(id, `after-${name.replaceAll(" ", "-")}`, { payload: "echo ran" });
  }
  for (const [name, , reason, field] of badFields) {
    const job = await e2e.redis.final(id, name.replaceAll(" ", "-"));
    const { status, reason: found, error, started_at: startedAt } = job;
    expect({ name, status, found, startedAt }).toEqual({
      name,
      status: "error",
      found: reason,
      startedAt: undefined,
    });
    expect(`${name}: ${error}`).toContain(field);
    expect(await e2e.redis.final(id, `after-${name.replaceAll(" ", "-")}`)).toMatchObject({
      result: "ran\n",
    });
  }
  await expectNothingTaken(e2e.redis, id);
});

test("what cannot become a job is put aside within seconds, and the jobs behind it run", async () => {
  const id = e2e.newRunner();
  await e2e.start(id, ["--hero", await shellHero()]);
  const key = (name: string): string => `hero:{${id}}:${name}`;
  await e2e.redis.call("SET", key("job:wrongtype"), "not a hash");
  for (const pushed of ["wrongtype", "not an id", "never", ""])
    await e2e.redis.call("LPUSH", key("queue"), pushed);
  await e2e.redis.call("LPUSH", key("queue"), "late");
  await e2e.redis.submit(id, "good", { payload: "echo fine" });
  expect(await e2e.redis.final(id, "good")).toMatchObject({ result: "fine\n" });
  await e2e.redis.call("HSET", key("job:late"), "payload", "echo came");
  expect(await e2e.redis.final(id, "late")).toMatchObject({ result: "came\n" });
  const never = await e2e.redis.final(id, "never");
  expect(never).toMatchObject({ status: "error", reason: "missing" });
  expect(never["error"]).toContain("write the hash first");
  await until(async () => (await e2e.redis.call("LLEN", key("dead"))) === 4, "all four are in the dead list");
  expect(await e2e.redis.call("LRANGE", key("dead"), "0", "-1")).toEqual([
    "never",
    "",
    "not an id",
    "wrongtype",
  ]);
  expect(await e2e.redis.call("GET", key("job:wrongtype"))).toBe("not a hash");
  expect(await e2e.redis.call("RPOP", key("reply:wrongtype"))).toBe("error");
  expect(await e2e.redis.call("RPOP", key("reply:never"))).toBe("error");
  await expectNothingTaken(e2e.redis, id);
});

test("an id that is pushed twice, or again after its end, runs once", async () => {
  const id = e2e.newRunner();
  const runner = await e2e.start(id, ["--hero", await shellHero(), "-c", "2"]);
  const counter = join(runner.folder, "count");
  const payload = `echo x >> ${counter}; sleep 0.2`;
  await e2e.redis.submit(id, "1", { payload });
  await e2e.redis.call("LPUSH", `hero:{${id}}:queue`, "1");
  await e2e.redis.final(id, "1");
  await e2e.redis.call("LPUSH", `hero:{${id}}:queue`, "1");
  await e2e.redis.submit(id, "2", { payload: "true" });
  await e2e.redis.final(id, "2");
  expect(readFileSync(counter, "utf8")).toBe("x\n");
  await expectNothingTaken(e2e.redis, id);
});
