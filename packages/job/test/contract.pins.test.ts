/** The words of the wire, literally: whoever changes one changes every client in every language. */
import { expect, test } from "vitest";
import * as job from "../src/index.ts";
import * as testing from "../src/testing/index.ts";

test("keys of a runner", () => {
  const keys = job.keysOf("web-1");
  expect({
    ...keys,
    job: keys.job("42"),
    reply: keys.reply("42"),
    log: keys.log("42"),
    seen: keys.seen("42"),
    instance: keys.instance("me"),
    stats: keys.stats("m29000000"),
  }).toEqual({
    prefix: "hero:",
    runner: "web-1",
    job: "hero:{web-1}:job:42",
    queue: "hero:{web-1}:queue",
    active: "hero:{web-1}:active",
    leases: "hero:{web-1}:leases",
    dead: "hero:{web-1}:dead",
    reply: "hero:{web-1}:reply:42",
    log: "hero:{web-1}:log:42",
    seen: "hero:{web-1}:seen:42",
    instances: "hero:{web-1}:instances",
    instance: "hero:{web-1}:instance:me",
    control: "hero:{web-1}:control",
    events: "hero:{web-1}:events",
    settings: "hero:{web-1}:settings",
    recent: "hero:{web-1}:recent",
    stats: "hero:{web-1}:stats:m29000000",
  });
  expect(job.keysOf("r", "acme:").queue).toBe("acme:{r}:queue");
  expect([job.registryKey(), job.indexKey("42")]).toEqual(["hero:runners", "hero:index:42"]);
});

test.each(["", "a b", "a:b", "a/b", "{a}", "ä", "x".repeat(129)])("%j is no runner id", (id) => {
  expect(() => job.keysOf(id)).toThrow("does not match");
});

test("fields of a client", () => {
  expect(job.clientFields).toEqual([
    ...["payload", "id", "caller_id", "context_id", "runner", "executor", "timeout", "env_vars"],
    ...["max_attempts", "trace", "created_at", "expires_at", "audience", "nonce", "signatures"],
  ]);
});

test("fields of the system", () => {
  expect(job.systemFields).toEqual([
    ...["status", "reason", "result", "stderr", "error", "exit_code", "signal", "attempt", "claims"],
    ...["owner", "token", "done_token", "finals", "queued_at", "dispatched_at", "started_at", "finished_at"],
    ...["duration_ms", "stdout_bytes", "stderr_bytes", "dropped_bytes", "stdout_sha256", "stderr_sha256"],
    ...["masked", "reaped", "isolation", "signers", "kill", "receipt", "cancel"],
  ]);
});

test("states and reasons", () => {
  expect(job.jobStatuses).toEqual(["created", "queued", "dispatched", "started", "finished", "error"]);
  expect(job.jobReasons).toEqual([
    ...["malformed", "too_large", "unsigned", "bad_signature", "untrusted_signer", "threshold_not_met"],
    ...[
      "expired",
      "not_yet_valid",
      "replayed",
      "wrong_audience",
      "wrong_runner",
      "env_refused",
      "not_granted",
    ],
    ...["timeout", "exit_status", "killed_by_signal", "hero_not_found", "could_not_start", "output_limit"],
    ...["cancelled", "shutdown", "runner_lost", "poisoned", "missing", "internal"],
  ]);
});

test("limits", () => {
  expect(job.timeoutSecondsRange).toEqual({ low: 1, high: 604_800 });
  expect(job.maxAttemptsRange).toEqual({ low: 1, high: 10 });
  expect(job.envLimits).toEqual({ count: 1_000, bytesEach: 128_000, bytesTotal: 1_000_000 });
  expect(job.idPattern.source).toBe("^[A-Za-z0-9._-]{1,128}$");
});

test("these names help with tests, and no others", () => {
  expect(Object.keys(testing).sort()).toEqual(["MemoryQueue", "MemoryStore"]);
});

test("these names are public, and no others", () => {
  expect(Object.keys(job).sort()).toMatchInlineSnapshot(`
    [
      "ClientError",
      "ConnectionPool",
      "JobClient",
      "QueueError",
      "RedisJobQueue",
      "RedisPresence",
      "SupervisorClient",
      "TokenMaker",
      "WaitingAge",
      "addCounts",
      "afterRunning",
      "apiKeysKeys",
      "checkRequest",
      "checkServer",
      "clientFields",
      "decodeJob",
      "defaultKeyPrefix",
      "encodeJob",
      "envLimits",
      "envNamePattern",
      "envProblem",
      "failed",
      "finished",
      "followLog",
      "idPattern",
      "indexKey",
      "isFinal",
      "isJobReason",
      "isJsonObject",
      "isLoopbackTarget",
      "jobReasons",
      "jobStatuses",
      "keysOf",
      "listJobs",
      "maskRedisUrl",
      "maxAttemptsRange",
      "openConnection",
      "openSession",
      "parseRedisUrl",
      "parseStrictJson",
      "percentileMs",
      "readJob",
      "readJobFields",
      "readLogEntries",
      "readQueueFigures",
      "readRunner",
      "readStats",
      "readWireView",
      "reasonGuide",
      "registryKey",
      "removeJob",
      "replaceEntry",
      "sessionKey",
      "systemFields",
      "timeoutSecondsRange",
      "viewJob",
      "wireJob",
      "wireView",
      "withDeadline",
    ]
  `);
});
