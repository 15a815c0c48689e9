/** decodeJob against everything a client may have written. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientFields, decodeJob, encodeJob, envLimits, type Job } from "../src/index.ts";

const key = { id: "42", runner: "my-runner" };
const limits = { maxPayloadBytes: 1_000 };

type Fields = Record<string, string | Uint8Array>;

function decode(fields: Fields) {
  const raw = new Map(Object.entries(fields).map(([name, value]) => [name, Buffer.from(value)]));
  return decodeJob(raw, key, limits);
}

function refused(fields: Fields): { reason: string; field: string; message: string } {
  const decoded = decode({ payload: "x", ...fields });
  if (decoded.ok) throw new Error("was accepted");
  const { reason, field, message } = decoded;
  return { reason, field, message };
}

describe("decodeJob", () => {
  it("needs nothing but a payload, and takes the rest from the key", () => {
    expect(decode({ payload: "print(1)" })).toEqual({
      ok: true,
      unknownFields: [],
      job: {
        ...{
          id: "42",
          runner: "my-runner",
          payload: "print(1)",
          maxAttempts: 1,
          envVars: new Map(),
          signatures: [],
        },
        ...{ callerId: "", contextId: "", executor: "", trace: "", audience: "", nonce: "" },
        ...{ timeoutSeconds: undefined, createdAtSeconds: undefined, expiresAtSeconds: undefined },
      },
    });
  });

  it("reads every field", () => {
    const decoded = decode({
      ...{ id: "42", runner: "my-runner", payload: "é\u0000\r\n", caller_id: "alice", context_id: "ctx.1" },
      ...{
        executor: "hero",
        timeout: "604800",
        env_vars: '{"B":"2","A":"","__proto__":"x"}',
        max_attempts: "10",
      },
      ...{ trace: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, created_at: "0", expires_at: "1700000000" },
      ...{ audience: "default", nonce: "0".repeat(32), signatures: '[{"public_key":"02","signature":"ff"}]' },
    });
    expect(decoded).toMatchObject({
      ok: true,
      job: {
        ...{
          payload: "é\u0000\r\n",
          callerId: "alice",
          contextId: "ctx.1",
          executor: "hero",
          timeoutSeconds: 604_800,
        },
        ...{ maxAttempts: 10, createdAtSeconds: 0, expiresAtSeconds: 1_700_000_000, audience: "default" },
        signatures: [{ publicKey: "02", signature: "ff" }],
      },
    });
    if (!decoded.ok) throw new Error(decoded.message);
    expect([...decoded.job.envVars]).toEqual([
      ["B", "2"],
      ["A", ""],
      ["__proto__", "x"],
    ]);
  });

  it.each(clientFields.filter((name) => name !== "payload"))(
    "takes an empty %s for a missing one",
    (name) => {
      expect(decode({ payload: "x", [name]: "" })).toEqual(decode({ payload: "x" }));
    },
  );

  it("names fields that it does not know, for those who must refuse them", () => {
    const decoded = decode({ payload: "x", env: "{}", status: "queued" });
    expect(decoded).toMatchObject({ ok: true, unknownFields: ["env", "status"] });
  });

  const wrong: readonly (readonly [string, Fields, string, string])[] = [
    ["no payload", { payload: undefined as unknown as string }, "payload", "malformed"],
    ["a payload above the limit", { payload: "x".repeat(1_001) }, "payload", "too_large"],
    ["a payload that is no UTF-8", { payload: Buffer.from([0xc3, 0x28]) }, "payload", "malformed"],
    ["an id that is not the key's", { id: "43" }, "id", "malformed"],
    ["a runner that is not the key's", { runner: "other" }, "runner", "wrong_runner"],
    ["a caller with a colon", { caller_id: "a:b" }, "caller_id", "malformed"],
    ["a context of 129 characters", { context_id: "c".repeat(129) }, "context_id", "malformed"],
    ["an executor with a space", { executor: "a b" }, "executor", "malformed"],
    ["a timeout of zero", { timeout: "0" }, "timeout", "malformed"],
    ["a timeout above a week", { timeout: "604801" }, "timeout", "malformed"],
    ["a timeout with a sign", { timeout: "+60" }, "timeout", "malformed"],
    ["a timeout with a leading zero", { timeout: "060" }, "timeout", "malformed"],
    ["a timeout with a fraction", { timeout: "1.5" }, "timeout", "malformed"],
    ["a timeout in words", { timeout: "1m" }, "timeout", "malformed"],
    ["a timeout with a space", { timeout: " 60" }, "timeout", "malformed"],
    ["a timeout in other digits", { timeout: "٦٠" }, "timeout", "malformed"],
    ["eleven attempts", { max_attempts: "11" }, "max_attempts", "malformed"],
    ["no attempts", { max_attempts: "0" }, "max_attempts", "malformed"],
    ["env_vars that is no JSON", { env_vars: "A=1" }, "env_vars", "malformed"],
    ["env_vars that is a list", { env_vars: "[]" }, "env_vars", "malformed"],
    ["env_vars that is null", { env_vars: "null" }, "env_vars", "malformed"],
    ["env_vars with a number in it", { env_vars: '{"A":1}' }, "env_vars", "malformed"],
    ["env_vars with one name twice", { env_vars: '{"A":"1","A":"2"}' }, "env_vars", "malformed"],
    ["env_vars with a dash in a name", { env_vars: '{"A-B":"1"}' }, "env_vars", "env_refused"],
    ["env_vars with a NUL in a value", { env_vars: '{"A":"\\u0000"}' }, "env_vars", "env_refused"],
    [
      "env_vars with a huge value",
      { env_vars: JSON.stringify({ A: "x".repeat(envLimits.bytesEach) }) },
      "env_vars",
      "env_refused",
    ],
    ["a trace in capitals", { trace: `00-${"A".repeat(32)}-${"b".repeat(16)}-01` }, "trace", "malformed"],
    ["a creation time with a dot", { created_at: "1.0" }, "created_at", "malformed"],
    ["an expiry below zero", { expires_at: "-1" }, "expires_at", "malformed"],
    ["an expiry beyond exact numbers", { expires_at: "9007199254740993" }, "expires_at", "malformed"],
    ["an audience with a slash", { audience: "a/b" }, "audience", "malformed"],
    ["a nonce that is too short", { nonce: "00" }, "nonce", "malformed"],
    ["signatures that are an object", { signatures: "{}" }, "signatures", "malformed"],
    ["signatures that are cut off", { signatures: '[{"public_key":' }, "signatures", "malformed"],
    ["a signature that is a string", { signatures: '["ff"]' }, "signatures", "malformed"],
    [
      "a signature with a third member",
      { signatures: '[{"public_key":"","signature":"","key_id":""}]' },
      "signatures",
      "malformed",
    ],
    [
      "seventeen signatures",
      { signatures: `[${Array(17).fill('{"public_key":"","signature":""}').join()}]` },
      "signatures",
      "malformed",
    ],
  ];
  it.each(wrong)("refuses %s and names the field", (_what, fields, field, reason) => {
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    const decoded = decode("payload" in fields ? given : { payload: "x", ...given });
    expect(decoded).toMatchObject({ ok: false, field, reason });
    if (!decoded.ok) expect(decoded.message.startsWith(`${field} `)).toBe(true);
  });

  it.each(clientFields)("refuses %s when it is not UTF-8", (name) => {
    expect(refused({ [name]: Buffer.from([0x31, 0xff]) })).toMatchObject({ field: name });
  });

  it("shows at most a line of a foreign value", () => {
    expect(refused({ caller_id: "\u001b[2J\n".repeat(500) }).message.length).toBeLessThan(1_000);
    expect(refused({ caller_id: "a\nb" }).message).not.toContain("\n");
  });
});

const id = fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/);
const optionalId = fc.oneof(fc.constant(""), id);
const seconds = fc.option(fc.nat(), { nil: undefined });
const job: fc.Arbitrary<Job> = fc.record({
  id: fc.constant("42"),
  runner: fc.constant("my-runner"),
  callerId: optionalId,
  contextId: optionalId,
  executor: optionalId,
  payload: fc.string({ unit: "grapheme", maxLength: 100 }),
  timeoutSeconds: fc.option(fc.integer({ min: 1, max: 604_800 }), { nil: undefined }),
  envVars: fc
    .dictionary(
      fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/),
      fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
    )
    .map((vars) => new Map(Object.entries(vars))),
  maxAttempts: fc.integer({ min: 1, max: 10 }),
  trace: fc.constantFrom("", `00-${"1".repeat(32)}-${"2".repeat(16)}-00`),
  createdAtSeconds: seconds,
  expiresAtSeconds: seconds,
  audience: optionalId,
  nonce: fc.constantFrom("", "0123456789abcdef".repeat(2)),
  signatures: fc.array(fc.record({ publicKey: fc.string({ unit: "grapheme" }), signature: fc.string() }), {
    maxLength: 16,
  }),
});

describe("encodeJob", () => {
  it("writes what decodeJob reads back as the same job", () => {
    fc.assert(
      fc.property(job, (job) => {
        const fields = Object.fromEntries(encodeJob(job));
        expect(
          decodeJob(new Map(Object.entries(fields).map(([n, v]) => [n, Buffer.from(v)])), key, {
            maxPayloadBytes: 1e6,
          }),
        ).toEqual({ ok: true, job, unknownFields: [] });
      }),
    );
  });
});

describe("random hashes", () => {
  const name = fc.oneof(fc.constantFrom(...clientFields), fc.string());
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.string().map((text) => Buffer.from(text)),
  );
  it("never make decodeJob throw, and each refusal names a known field", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 12 }), (entries) => {
        const decoded = decodeJob(new Map(entries), key, limits);
        if (!decoded.ok) expect(clientFields).toContain(decoded.field);
      }),
      { numRuns: 2_000 },
    );
  });
});
