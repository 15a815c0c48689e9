import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import {
  jobBytes,
  jobBytesV1,
  parseTrustFile,
  readJobFile,
  refusalCodes,
  type TrustFile,
  type V1EnvForm,
  verifyJob,
} from "../../src/trust/index.ts";
import { sha256Hex } from "../../src/trust/canonical.ts";
import { reasonOfCode } from "../../src/trust/codes.ts";
import { checkSignaturesWith, checkWithOpenssl, signBytes } from "../../src/trust/signature.ts";
import { signatureChecks } from "./signature-checks.ts";

interface Vector {
  readonly id: string;
  readonly scheme: "v1" | "v2";
  readonly env_form?: V1EnvForm;
  readonly description: string;
  readonly job: Record<string, unknown> | null;
  readonly job_raw?: string;
  readonly canonical_hex?: string;
  readonly digest_hex?: string;
  readonly signatures: unknown;
  readonly policy: {
    readonly now: number;
    readonly audience: string;
    readonly threshold: number;
    readonly max_window_s: number;
    readonly max_skew_s: number;
    readonly allowed: readonly Record<string, unknown>[];
  };
  readonly expect: "valid" | "invalid";
  readonly reasons: readonly string[];
  readonly note?: string;
}

interface VectorFile {
  readonly reason_codes: readonly string[];
  readonly keys: Record<string, { private_key: string; public_key: string; public_key_uncompressed: string }>;
  readonly vectors: readonly Vector[];
}

const file = JSON.parse(
  readFileSync(new URL("../../../../test/conformance/data/signature-vectors.json", import.meta.url), "utf8"),
) as VectorFile;

/** The job file that a client would hand over, text and all: duplicate names and lone surrogates stay in. */
function jobText(vector: Vector): string {
  const signatures = JSON.stringify(vector.signatures);
  const job = vector.job_raw ?? JSON.stringify(vector.job);
  return `${job.slice(0, job.lastIndexOf("}"))},"signatures":${signatures}}`;
}

function trustOf(vector: Vector): TrustFile {
  const { now: _now, allowed, ...rest } = vector.policy;
  const signers = allowed.map((entry, at) => ({ name: `signer-${at}`, ...entry }));
  const parsed = parseTrustFile(JSON.stringify({ ...rest, threshold: 1, signers }));
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return { ...parsed.trust, threshold: vector.policy.threshold };
}

function judge(
  vector: Vector,
  explain: boolean,
): { valid: boolean; codes: readonly string[]; reason?: string; digest?: string } {
  const read = readJobFile(jobText(vector));
  if (!read.ok) return { valid: false, codes: [read.code], reason: read.reason };
  const policy = { trust: trustOf(vector), acceptV1: vector.scheme === "v1" };
  return verifyJob(read, policy, { nowSeconds: vector.policy.now, explain });
}

const checks = await signatureChecks();
afterAll(() => checkSignaturesWith(checkWithOpenssl));

function judgeAsPublished(vector: Vector): void {
  for (const explain of [false, true]) {
    const verdict = judge(vector, explain);
    expect(verdict.valid).toBe(vector.expect === "valid");
    expect(verdict.codes.filter((code) => !vector.reasons.includes(code))).toEqual([]);
    expect(verdict.codes.length > 0).toBe(vector.expect === "invalid");
    if (verdict.valid) expect(verdict.digest).toBe(vector.digest_hex);
  }
}

describe("the published signature vectors", () => {
  it("are all here, and name the codes this program knows", () => {
    expect(file.vectors).toHaveLength(130);
    expect(file.vectors.filter((vector) => vector.expect === "valid")).toHaveLength(31);
    expect(file.reason_codes).toEqual(refusalCodes);
  });

  it.each(file.vectors.map((vector) => [vector.id, vector.description, vector] as const))(
    "%s: %s",
    (_id, _description, vector) => {
      for (const { check } of checks) {
        checkSignaturesWith(check);
        judgeAsPublished(vector);
      }
    },
  );

  it("are refused with the reason word of their code, except variables, which have a word of their own", () => {
    const words = new Map(file.vectors.map((vector) => [vector.id, judge(vector, false)]));
    for (const [id, { codes, reason }] of words) {
      const expected = id.startsWith("v2-env-n") && id !== "v2-env-non-string" ? "env_refused" : undefined;
      const usual = reasonOfCode[codes[0] as keyof typeof reasonOfCode];
      const list = id === "v2-list-not-array" ? "malformed" : undefined;
      expect([id, reason]).toEqual([id, expected ?? list ?? usual]);
    }
  });

  it("give the published bytes and digests wherever the job can be read at all", () => {
    let compared = 0;
    for (const vector of file.vectors) {
      const read = readJobFile(JSON.stringify(vector.job ?? {}));
      if (!read.ok || vector.canonical_hex === undefined) continue;
      const bytes =
        vector.scheme === "v1" ? jobBytesV1(read.job, vector.env_form ?? "kv") : jobBytes(read.job);
      expect([vector.id, bytes.toString("hex")]).toEqual([vector.id, vector.canonical_hex]);
      expect(sha256Hex(bytes)).toBe(vector.digest_hex);
      compared += 1;
    }
    expect(compared).toBeGreaterThanOrEqual(108);
  });

  it("are signed again bit for bit", async () => {
    let signed = 0;
    for (const vector of file.vectors) {
      if (vector.expect !== "valid" || vector.note !== undefined || vector.canonical_hex === undefined)
        continue;
      for (const one of vector.signatures as { public_key: string; signature: string }[]) {
        const key = Object.values(file.keys).find((key) =>
          [key.public_key, key.public_key_uncompressed].includes(one.public_key.toLowerCase()),
        );
        if (key === undefined) throw new Error(`${vector.id}: unknown key`);
        const again = await signBytes(Buffer.from(vector.canonical_hex, "hex"), key.private_key);
        expect([vector.id, again]).toEqual([vector.id, one.signature.toLowerCase()]);
        signed += 1;
      }
    }
    expect(signed).toBeGreaterThanOrEqual(29);
  });

  it("of version 1 are refused unless version 1 is accepted", () => {
    for (const vector of file.vectors.filter((one) => one.scheme === "v1")) {
      const read = readJobFile(jobText(vector));
      const valid =
        read.ok && verifyJob(read, { trust: trustOf(vector) }, { nowSeconds: vector.policy.now }).valid;
      expect([vector.id, valid]).toEqual([vector.id, false]);
    }
  });
});
