import { type Claim, failed } from "@herorunner/job";
import { createTrust } from "@herorunner/job/trust";
import { expect, test } from "vitest";
import { type AdmitPolicy, createAdmit, refusingOnBugs } from "../src/admit.ts";
import { RecordingLogger } from "../src/testing/index.ts";

function claimOf(fields: Record<string, string | Buffer>, rest: Partial<Claim> = {}): Claim {
  const bytes = Object.entries(fields).map(([name, value]) => [name, Buffer.from(value)] as const);
  return { jobId: "42", token: "t", claims: 1, fields: new Map(bytes), ...rest };
}

const policy: AdmitPolicy = { runnerId: "r", runnerType: "hero" };

function refusal(fields: Record<string, string | Buffer>, more: Partial<AdmitPolicy> = {}) {
  const admission = createAdmit({ ...policy, ...more })(claimOf(fields));
  if (admission.ok) throw new Error("it was admitted");
  return [admission.outcome.reason, admission.outcome.message];
}

test("a payload alone is enough; what is missing gets its default", () => {
  const admission = createAdmit(policy)(claimOf({ payload: "print(1)" }));
  if (!admission.ok) throw new Error(admission.outcome.message);
  const { job } = admission;
  expect(job).toMatchObject({
    id: "42",
    runner: "r",
    payload: "print(1)",
    timeoutMs: 60_000,
    maxAttempts: 1,
  });
  expect(job).toMatchObject({ executor: "", callerId: "", signers: [] });
  expect(admission.startOptions).toEqual({});
});

test("the job's own timeout goes before the runner's default", () => {
  const admit = createAdmit({ ...policy, defaultTimeoutSeconds: 7 });
  const timeoutOf = (fields: Record<string, string>) => {
    const admission = admit(claimOf({ payload: "x", ...fields }));
    return admission.ok ? admission.job.timeoutMs : admission.outcome;
  };
  expect(timeoutOf({})).toBe(7_000);
  expect(timeoutOf({ timeout: "" })).toBe(7_000);
  expect(timeoutOf({ timeout: "3" })).toBe(3_000);
});

const refusals: readonly (readonly [string, Record<string, string | Buffer>, string, string])[] = [
  ["no payload", {}, "malformed", "payload"],
  ["a payload that is no text", { payload: Buffer.from([0xff]) }, "malformed", "payload"],
  ["the id of another key", { payload: "x", id: "43" }, "malformed", "id"],
  ["the runner of another key", { payload: "x", runner: "s" }, "wrong_runner", "runner"],
  ["a caller that is no id", { payload: "x", caller_id: "a b" }, "malformed", "caller_id"],
  ["a context that is no id", { payload: "x", context_id: "a/b" }, "malformed", "context_id"],
  ["an executor of another type", { payload: "x", executor: "v" }, "malformed", "executor"],
  ["a timeout of 0", { payload: "x", timeout: "0" }, "malformed", "timeout"],
  ["a timeout above a week", { payload: "x", timeout: "604801" }, "malformed", "timeout"],
  ["env_vars that is a list", { payload: "x", env_vars: "[]" }, "malformed", "env_vars"],
  ["an env name with a dash", { payload: "x", env_vars: '{"A-B":"1"}' }, "env_refused", "env_vars"],
  ["eleven attempts", { payload: "x", max_attempts: "11" }, "malformed", "max_attempts"],
  ["a trace in capitals", { payload: "x", trace: "XX" }, "malformed", "trace"],
  ["a date in words", { payload: "x", created_at: "today" }, "malformed", "created_at"],
  ["an end in words", { payload: "x", expires_at: "never" }, "malformed", "expires_at"],
  ["an audience that is no id", { payload: "x", audience: "a:b" }, "malformed", "audience"],
  ["a short nonce", { payload: "x", nonce: "ab" }, "malformed", "nonce"],
  ["signatures that are no list", { payload: "x", signatures: "{}" }, "malformed", "signatures"],
];

test.each(refusals)(
  "%s refuses the job, and the sentence begins with the field",
  (_what, fields, reason, field) => {
    const [word, message] = refusal(fields);
    expect(word).toBe(reason);
    expect(message).toMatch(new RegExp(`^${field} `));
  },
);

test("a job past its expires_at is refused", () => {
  expect(refusal({ payload: "x", expires_at: "1000" }, { now: () => 1_001_000 })[0]).toBe("expired");
});

test("a payload above the runner's limit is too large, also when the queue did not hand it out", () => {
  expect(refusal({ payload: "12345" }, { maxPayloadBytes: 4 })).toEqual([
    "too_large",
    "payload has 5 bytes; this runner takes at most 4",
  ]);
  const admission = createAdmit(policy)(claimOf({}, { oversizedBytes: 99_000_000 }));
  expect(admission).toMatchObject({ ok: false, outcome: { reason: "too_large" } });
});

test("a timeout above the runner's own limit is refused and names the limit", () => {
  expect(refusal({ payload: "x", timeout: "61" }, { maxTimeoutSeconds: 60 })[1]).toContain("at most 60 s");
});

test("a job of this very runner type is admitted", () => {
  expect(createAdmit(policy)(claimOf({ payload: "x", executor: "hero" })).ok).toBe(true);
});

test("where signatures are required an unsigned job is refused, and trust is asked anew for each job", () => {
  const file = {
    ...{ audience: "default", threshold: 1, maxWindowSeconds: 86_400, maxSkewSeconds: 60 },
    signers: [],
  };
  let mode: "off" | "required" = "off";
  const trust = () => createTrust(mode === "off" ? { mode, runner: "r" } : { mode, runner: "r", file });
  const admit = createAdmit({ ...policy, trust });
  expect(admit(claimOf({ payload: "x" })).ok).toBe(true);
  mode = "required";
  expect(admit(claimOf({ payload: "x" }))).toMatchObject({ ok: false, outcome: { reason: "unsigned" } });
});

test("a condition of the runner's own refuses with its own outcome", () => {
  const alsoCheck = () => failed("env_refused", "not on a Sunday");
  expect(refusal({ payload: "x" }, { alsoCheck })).toEqual(["env_refused", "not on a Sunday"]);
});

test("system fields that a client wrote change nothing", () => {
  const fields = { payload: "x", status: "finished", attempt: "NaN", token: "mine", signers: "[]" };
  expect(createAdmit(policy)(claimOf(fields)).ok).toBe(true);
});

test("a bug of an admission refuses the one job and is in the log", () => {
  const logger = new RecordingLogger();
  const admit = refusingOnBugs(() => {
    throw new RangeError("Maximum call stack size exceeded");
  }, logger);
  expect(admit(claimOf({ payload: "x" }))).toMatchObject({ ok: false, outcome: { reason: "internal" } });
  expect(logger.lines[0]).toMatchObject({ level: "error", fields: { id: "42" } });
});
