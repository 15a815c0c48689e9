import { describe, expect, it } from "vitest";
import { createTrust, jobBytesV1, type TrustOptions, type TrustVerdict } from "../../src/trust/index.ts";
import { signBytes } from "../../src/trust/signature.ts";
import { alice, bob, entry, mallory, nowSeconds, plainJob, signedJob, trustOf } from "./fixtures.ts";
import type { Job } from "../../src/job.ts";

const nowMs = nowSeconds * 1000;

function check(job: Job, options: Partial<TrustOptions> = {}, at = nowMs): TrustVerdict {
  const file = trustOf([entry(alice)]);
  return createTrust({ mode: "required", file, runner: "hero1", ...options }).check(job, [], at);
}

function reasonFor(verdict: TrustVerdict): string {
  return verdict.ok ? "accepted" : verdict.reason;
}

describe("createTrust", () => {
  it("hands admission all it needs to run a signed job once and in time", async () => {
    const verdict = check(await signedJob());
    expect(verdict).toMatchObject({
      ok: true,
      signers: ["alice"],
      allowedActions: undefined,
      envUnsafe: false,
      maxStarts: 1,
      notAfterMs: (nowSeconds + 3660) * 1000,
      replay: { maxStarts: 1, untilMs: (nowSeconds + 3600) * 1000, guardMs: 90_060_000 },
    });
  });

  it("names a job the same for the guards against repetition, whatever its dates are forgiven", async () => {
    const job = await signedJob();
    const guards = [0, 60, 86_400].map((maxSkewSeconds) => {
      const verdict = check(job, { file: { ...trustOf([entry(alice)]), maxSkewSeconds } });
      return verdict.ok && verdict.replay;
    });
    expect(guards[0]).toMatchObject({ maxStarts: 1 });
    expect(guards).toEqual([guards[0], guards[0], guards[0]]);
  });

  it("wants a trust file for the modes that check", () => {
    expect(() => createTrust({ mode: "required", runner: "hero1" })).toThrow("needs a trust file");
    expect(() => createTrust({ mode: "warn", runner: "hero1" })).toThrow("needs a trust file");
  });

  it("lets the signer bound the starts of a job, whatever the job asks for", async () => {
    const file = trustOf([entry(alice, { max_attempts: 3 })]);
    const greedy = check(await signedJob([alice], { maxAttempts: 10 }), { file });
    expect(greedy.ok && greedy.maxStarts).toBe(3);
    const modest = check(await signedJob([alice], { maxAttempts: 2 }), { file });
    expect(modest.ok && modest.maxStarts).toBe(2);
    const unasked = check({ ...(await signedJob()), maxAttempts: 10 });
    expect(unasked.ok && unasked.maxStarts).toBe(1);
  });

  it("forgives in mode warn a missing signature and an unknown key, nothing else", async () => {
    const warn = { mode: "warn" } as const;
    const unsigned = check(plainJob(), warn);
    expect(unsigned.ok && unsigned.warning).toContain("no signature");
    const unknown = check(await signedJob([mallory]), warn);
    expect(unknown.ok && unknown.warning).toContain("no key of the job");
    expect(unknown.ok && [unknown.signers, unknown.envUnsafe, unknown.replay]).toEqual([
      [],
      false,
      undefined,
    ]);
    const good = check(await signedJob(), warn);
    expect(good.ok && [good.warning, good.signers]).toEqual([undefined, ["alice"]]);

    const changed = { ...(await signedJob([mallory])), payload: "changed" };
    expect(reasonFor(check(changed, warn))).toBe("bad_signature");
    expect(reasonFor(check(await signedJob(), warn, nowMs + 4_000_000))).toBe("expired");
    expect(reasonFor(check(await signedJob([alice], { audience: "other" }), warn))).toBe("wrong_audience");
    const scoped = { ...warn, file: trustOf([entry(alice, { callers: ["bob"] })]) };
    expect(reasonFor(check(await signedJob(), scoped))).toBe("untrusted_signer");
    expect(reasonFor(check(await signedJob([alice, mallory]), scoped))).toBe("untrusted_signer");
    const short = { ...warn, file: trustOf([entry(alice), entry(bob)], { threshold: 2 }) };
    expect(reasonFor(check(await signedJob(), short))).toBe("threshold_not_met");
  });

  it("holds an unsigned job to its own expiry and audience, even with signatures off", () => {
    const off = { mode: "off", audience: "prod" } as const;
    expect(reasonFor(check(plainJob({ audience: "" }), off))).toBe("accepted");
    expect(reasonFor(check(plainJob({ audience: "test" }), off))).toBe("wrong_audience");
    expect(reasonFor(check(plainJob({ audience: "prod" }), off, nowMs + 3_600_001))).toBe("expired");
  });

  it("accepts version 1 only when told to, and only on jobs without any field of version 2", async () => {
    const old = plainJob({
      audience: "",
      nonce: "",
      createdAtSeconds: undefined,
      expiresAtSeconds: undefined,
    });
    for (const form of ["kv", "rust-debug"] as const) {
      const signature = await signBytes(jobBytesV1(old, form), alice.secretKey);
      const job = { ...old, signatures: [{ publicKey: alice.publicKey, signature }] };
      expect(reasonFor(check(job))).toBe("malformed");
      const verdict = check(job, { acceptV1: true });
      expect(verdict).toMatchObject({
        ok: true,
        signers: ["alice"],
        notAfterMs: undefined,
        replay: { untilMs: undefined, maxStarts: 1, guardMs: 30 * 86_400_000 },
      });
      expect(reasonFor(check({ ...job, audience: "default" }, { acceptV1: true }))).toBe("malformed");
      expect(reasonFor(check({ ...job, executor: "hero" }, { acceptV1: true }))).toBe("malformed");
      expect(reasonFor(check({ ...job, payload: "x" }, { acceptV1: true }))).toBe("bad_signature");
    }
    expect(reasonFor(check(await signedJob(), { acceptV1: true }))).toBe("accepted");
  });

  it("grants only scripts that parse cleanly and stay within the actions of their signers", async () => {
    const file = trustOf([entry(alice, { actions: ["git.*", "docker.ps"] })]);
    const found = (actions: string[], clean = true): string => {
      const listActions = (): { actions: string[]; clean: boolean } => ({ actions, clean });
      return reasonFor(check(job, { file, listActions }));
    };
    const job = await signedJob();
    expect(found([])).toBe("accepted");
    expect(found(["git.list", "git.clone", "docker.ps"])).toBe("accepted");
    expect(found(["git.list", "docker.psx"])).toBe("not_granted");
    expect(found(["gitx.list"])).toBe("not_granted");
    expect(found(["git.list"], false)).toBe("not_granted");
    expect(reasonFor(check(job, { file }))).toBe("not_granted");
    const verdict = check(job, { file, listActions: () => ({ actions: [], clean: true }) });
    expect(verdict.ok && verdict.allowedActions).toEqual(["git.*", "docker.ps"]);
  });

  it("refuses two signers who share no action, whatever the script", async () => {
    const file = trustOf([entry(alice, { actions: ["git.*"] }), entry(bob, { actions: ["docker.*"] })], {
      threshold: 2,
    });
    const listActions = (): { actions: string[]; clean: boolean } => ({ actions: [], clean: true });
    expect(reasonFor(check(await signedJob([alice, bob]), { file, listActions }))).toBe("not_granted");
  });
});
