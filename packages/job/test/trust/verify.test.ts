import { describe, expect, it } from "vitest";
import { cosignJob, signJob, verifyJob, type TrustFile } from "../../src/trust/index.ts";
import { alice, bob, carol, entry, mallory, nowSeconds, plainJob, signedJob, trustOf } from "./fixtures.ts";
import type { Job } from "../../src/job.ts";

function judge(
  job: Job,
  trust: TrustFile,
  rest: { runner?: string; unknownFields?: string[]; at?: number } = {},
) {
  const policy = rest.runner === undefined ? { trust } : { trust, runner: rest.runner };
  const input = { job, unknownFields: rest.unknownFields ?? [] };
  return verifyJob(input, policy, { nowSeconds: rest.at ?? nowSeconds });
}

describe("verifyJob", () => {
  it("accepts a signed job and names its signers", async () => {
    const verdict = judge(await signedJob(), trustOf([entry(alice)]), { runner: "hero1" });
    expect(verdict).toMatchObject({ valid: true, signers: ["alice"], codes: [] });
    expect(verdict.reason).toBeUndefined();
  });

  it("says unsigned before it finds fault with fields that only a signature needs", () => {
    const job = plainJob({ audience: "", nonce: "", callerId: "", expiresAtSeconds: undefined });
    expect(judge(job, trustOf([entry(alice)])).reason).toBe("unsigned");
  });

  it("refuses a field that is not signed, and forgives those the system writes", async () => {
    const job = await signedJob();
    const trust = trustOf([entry(alice)]);
    expect(judge(job, trust, { unknownFields: ["status", "token", "result"] }).valid).toBe(true);
    const verdict = judge(job, trust, { unknownFields: ["status", "shell"] });
    expect(verdict).toMatchObject({ valid: false, reason: "malformed", codes: ["BAD_FIELD"] });
    expect(verdict.message).toContain('"shell"');
  });

  it("refuses a job of another runner before it looks at the signature", async () => {
    const job = await signedJob([alice], { runner: "hero2" });
    expect(judge(job, trustOf([entry(alice)]), { runner: "hero1" }).reason).toBe("wrong_runner");
  });

  it.each([
    ["callers", { callers: ["bob", "ali*"] }, true],
    ["callers", { callers: ["bob"] }, false],
    ["contexts", { contexts: ["ctx-*"] }, true],
    ["contexts", { contexts: ["ctx-7x"] }, false],
    ["runners", { runners: ["*"] }, true],
    ["runners", { runners: ["hero"] }, false],
    ["not_before", { not_before: nowSeconds }, true],
    ["not_before", { not_before: nowSeconds + 1 }, false],
    ["not_after", { not_after: nowSeconds }, true],
    ["not_after", { not_after: nowSeconds - 1 }, false],
  ])("counts a key only within its %s (%j)", async (_name, limits, valid) => {
    const verdict = judge(await signedJob(), trustOf([entry(alice, limits)]));
    expect(verdict.valid).toBe(valid);
    expect(verdict.reason).toBe(valid ? undefined : "untrusted_signer");
    expect(verdict.onlyUnknownKeys).toBe(false);
  });

  it("tells a threshold that is short from a signer nobody knows", async () => {
    const trust = trustOf([entry(alice), entry(bob, { callers: ["bob"] }), entry(carol)], { threshold: 2 });
    expect(judge(await signedJob([alice]), trust).reason).toBe("threshold_not_met");
    expect(judge(await signedJob([alice, bob]), trust).reason).toBe("threshold_not_met");
    expect(judge(await signedJob([mallory]), trust).reason).toBe("untrusted_signer");
    expect(judge(await signedJob([mallory]), trust).onlyUnknownKeys).toBe(true);
    expect(judge(await signedJob([alice, mallory, carol]), trust).signers).toEqual(["alice", "carol"]);
  });

  it("counts two keys of one person once, so that a rotation does not lower the threshold", async () => {
    const trust = trustOf([entry(alice), { ...entry(mallory), name: "alice" }, entry(bob)], { threshold: 2 });
    expect(judge(await signedJob([alice, mallory]), trust).reason).toBe("threshold_not_met");
    expect(judge(await signedJob([mallory, bob]), trust).signers).toEqual(["alice", "bob"]);
  });

  it("judges the window by the given clock, with a skew that may be zero", async () => {
    const job = await signedJob();
    const trust = trustOf([entry(alice)], { max_skew_s: 0 });
    expect(judge(job, trust, { at: nowSeconds - 10 }).valid).toBe(true);
    expect(judge(job, trust, { at: nowSeconds - 10.001 }).reason).toBe("not_yet_valid");
    expect(judge(job, trust, { at: nowSeconds + 3600 }).valid).toBe(true);
    expect(judge(job, trust, { at: nowSeconds + 3600.001 }).reason).toBe("expired");
    expect(judge(job, trustOf([entry(alice)], { max_window_s: 3609 })).reason).toBe("malformed");
  });

  it("reports every check when asked to explain, while the first failure decides", async () => {
    const job = { ...(await signedJob()), payload: "changed", audience: "elsewhere" };
    const input = { job, unknownFields: [] };
    const verdict = verifyJob(input, { trust: trustOf([entry(alice)]) }, { nowSeconds, explain: true });
    expect(verdict.codes).toEqual(["AUDIENCE"]);
    expect(verdict.checks.filter((check) => !check.ok).map((check) => check.name)).toEqual([
      "audience",
      "signature-1",
      "signer",
      "threshold",
    ]);
  });

  it("grants what as many signers hold as the threshold wants", async () => {
    const trust = trustOf(
      [
        entry(alice, { actions: ["git.*", "docker.ps"], env_unsafe: true, max_attempts: 5 }),
        entry(bob, { actions: ["git.list", "docker.*"], max_attempts: 3 }),
        entry(carol, { env_unsafe: true }),
      ],
      { threshold: 2 },
    );
    const both = judge(await signedJob([alice, bob]), trust).privileges;
    expect(both).toEqual({ allowedActions: ["docker.ps", "git.list"], envUnsafe: false, maxAttempts: 3 });
    const other = judge(await signedJob([alice, carol]), trust).privileges;
    expect(other).toEqual({ allowedActions: ["git.*", "docker.ps"], envUnsafe: true, maxAttempts: 1 });
    const all = judge(await signedJob([alice, bob, carol]), trust).privileges;
    expect(all).toEqual({
      allowedActions: expect.arrayContaining(["git.*", "docker.*"]) as unknown,
      envUnsafe: true,
      maxAttempts: 3,
    });
  });
});

describe("signJob and cosignJob", () => {
  it("fill in what a signed job must state, and leave what is stated", async () => {
    const bare = plainJob({
      id: "",
      callerId: "",
      contextId: "",
      audience: "",
      nonce: "",
      timeoutSeconds: undefined,
      createdAtSeconds: undefined,
      expiresAtSeconds: undefined,
    });
    const job = await signJob(bare, alice, { nowSeconds, audience: "prod", expiresInSeconds: 60 });
    expect(job).toMatchObject({
      callerId: "alice",
      contextId: "default",
      audience: "prod",
      timeoutSeconds: 60,
      createdAtSeconds: nowSeconds,
      expiresAtSeconds: nowSeconds + 60,
    });
    expect(judge(job, trustOf([entry(alice)], { audience: "prod" })).valid).toBe(true);
    const again = await signJob(bare, alice, { nowSeconds });
    expect(again.id).not.toBe(job.id);
    expect(again.nonce).not.toBe(job.nonce);
  });

  it("add signatures one by one and each key once", async () => {
    const two = await cosignJob(await cosignJob(await signedJob([alice]), bob), bob);
    expect(two.signatures).toHaveLength(2);
    expect(judge(two, trustOf([entry(alice), entry(bob)], { threshold: 2 })).valid).toBe(true);
  });

  it("refuse to sign over a job that was changed since, or that may not be signed", async () => {
    const changed = { ...(await signedJob()), payload: "other" };
    await expect(cosignJob(changed, bob)).rejects.toThrow("signature 1 does not hold");
    await expect(cosignJob(plainJob(), bob)).rejects.toThrow("carries no signature yet");
    await expect(signJob(plainJob({ runner: "" }), alice, { nowSeconds })).rejects.toThrow(
      "runner is missing",
    );
    const lone = plainJob({ payload: "x\ud800y" });
    await expect(signJob(lone, alice, { nowSeconds })).rejects.toThrow("half a surrogate pair");
  });
});
