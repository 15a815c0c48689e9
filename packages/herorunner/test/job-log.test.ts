import { failed, finished } from "@herorunner/job";
import { MemoryQueue } from "@herorunner/job/testing";
import { createAdmit, type RunnerEvent } from "@herorunner/runner";
import { RecordingLogger } from "@herorunner/runner/testing";
import { expect, test } from "vitest";
import { logEvent, logPutAside } from "../src/job-log.ts";

const secrets = ["PAYLOADSECRET", "ENVSECRET", "SIGNATURESECRET"];

async function claimOf() {
  const queue = new MemoryQueue();
  queue.store.submit("42", {
    payload: 'print("PAYLOADSECRET")',
    env_vars: '{"API_TOKEN":"ENVSECRET"}',
    caller_id: "alice",
    signatures: '[{"public_key":"02","signature":"SIGNATURESECRET"}]',
  });
  const claim = (await queue.claim(new AbortController().signal))[0]!;
  const admission = createAdmit({ runnerId: queue.store.runner, runnerType: "hero" })(claim);
  if (!admission.ok) throw new Error(admission.outcome.message);
  return { claim, admission, job: admission.job };
}

test("every event is a fixed phrase with fields, and none shows a payload, a variable's value or a signature", async () => {
  const { claim, admission, job } = await claimOf();
  const outcome = failed("exit_status", "hero ended with exit code 7", {
    exitCode: 7,
    facts: { durationMs: 12.4 },
  });
  const events: readonly RunnerEvent[] = [
    { kind: "waiting" },
    { kind: "admitted", claim, admission },
    { kind: "admitted", claim, admission: { ...admission, warning: "unsigned" } },
    { kind: "rejudged", claim, job, verdict: { ok: true, warning: "unknown key" } },
    { kind: "rejudged", claim, job, verdict: { ok: false, outcome } },
    { kind: "started", claim, job },
    { kind: "settled", claim, outcome: finished("PAYLOADSECRET", { durationMs: 3 }) },
    { kind: "settled", claim, outcome },
    { kind: "lost", claim, outcome },
    { kind: "unsettled", claim, outcome },
    { kind: "released", claim },
    { kind: "reclaimed", jobId: "42", answer: "requeued" },
    { kind: "reclaimed", jobId: "42", answer: "poisoned" },
  ];
  const logger = new RecordingLogger();
  for (const event of events) logEvent(event, logger);
  const text = JSON.stringify(logger.lines);
  for (const secret of secrets) expect(text).not.toContain(secret);
  expect(logger.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    "debug: job claimed",
    "error: unsigned",
    "debug: job claimed",
    "error: unknown key",
    "debug: job judged again, by the trust file of now",
    "debug: job judged again, by the trust file of now",
    "info: job started",
    "info: job finished",
    "info: job failed",
    "error: the claim moved on to somebody else; nothing was stored for it here",
    "error: the queue could not be reached before the end; the job's lease will run out",
    "info: job given back, it had not started",
    "info: took over a job whose runner is gone",
    "error: took over a job whose runner is gone; too many were lost with it, so it ended as poisoned",
  ]);
  expect(logger.lines[6]?.fields).toEqual({ id: "42", caller: "alice", timeout_s: 60 });
  expect(logger.lines[8]?.fields).toEqual({
    ...{ id: "42", reason: "exit_status", exit_code: 7, duration_ms: 12 },
    error: "hero ended with exit code 7",
  });
});

test("ids that did not become jobs are told by their weight", () => {
  const logger = new RecordingLogger();
  for (const why of ["final", "duplicate", "gone", "cancelled", "missing", "wrongtype", "poisoned"]) {
    logPutAside({ jobId: "42", why }, logger);
  }
  expect(logger.lines.map((line) => line.level)).toEqual([
    ...["debug", "debug", "debug", "info"],
    ...["error", "error", "error"],
  ]);
});
