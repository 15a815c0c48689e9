/**
 * The signature check: a decoded job, the trust file and the time in; yes or no with a closed code and a sentence out.
 * Pure. The checks run in a fixed order, the first that fails decides, and no later check can turn a no into a yes.
 * One signature that does not verify refuses the job; a good one by an unknown key neither counts nor hurts.
 */
import type { Job } from "../job.ts";
import { maxSignatures } from "../fields.ts";
import type { JobReason } from "../outcome.ts";
import { jobBytes, jobBytesV1, sha256Hex, v1EnvForms } from "./canonical.ts";
import { reasonOfCode, type RefusalCode } from "./codes.ts";
import { matchesAny, type Privileges, privilegesOf } from "./grants.ts";
import {
  encodingFault,
  type PublicKey,
  readPublicKey,
  signatureFault,
  type SignatureFault,
} from "./signature.ts";
import { type FieldFault, looksLikeV1, signedFieldFault } from "./signed-fields.ts";
import type { Signer, TrustFile } from "./trust-file.ts";

export interface VerifyInput {
  readonly job: Job;
  /** Names of fields beside the client's own; those that the system writes are forgiven. */
  readonly unknownFields: readonly string[];
}

export interface VerifyPolicy {
  readonly trust: TrustFile;
  /** The runner that is asked to run the job; left out, any runner is accepted. */
  readonly runner?: string;
  /** Also accept signatures of version 1 on jobs without any field of version 2. Default false. */
  readonly acceptV1?: boolean;
}

export interface VerifyMoment {
  /** Unix time of the judging host. */
  readonly nowSeconds: number;
  /** Run all checks and report each, for people. Default: stop at the first that fails. */
  readonly explain?: boolean;
}

/** One line of the report. `detail` is a sentence, never a payload or a secret. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

export interface Verification {
  readonly valid: boolean;
  /** Set when not valid. */
  readonly reason?: JobReason;
  /** The sentence of the check that decided. */
  readonly message?: string;
  readonly codes: readonly RefusalCode[];
  /** Names that counted, in the order of the signatures. */
  readonly signers: readonly string[];
  /** SHA-256 of the signed bytes, hex; for version 1 in the spelling that was signed. */
  readonly digest: string;
  readonly checks: readonly Check[];
  /** Refused only because no key is known here: what the mode `warn` forgives. */
  readonly onlyUnknownKeys: boolean;
  readonly privileges: Privileges;
}

/** What one check found. `stage` groups the checks whose codes are told together. */
interface Finding extends Check {
  readonly stage: string;
  readonly code?: RefusalCode;
  readonly reason?: JobReason;
}

/** What the checks learn on their way. */
interface Progress {
  /** The bytes in every accepted spelling: one for version 2, two for version 1. */
  readonly message: readonly Buffer[];
  /** The spelling that a signature was found to be of. */
  spelling: Buffer | undefined;
  /** Points whose signature verified, in order, repetitions included. */
  readonly points: string[];
  /** One entry per person who counts. */
  readonly counted: Map<string, Signer>;
  onlyUnknownKeys: boolean;
}

/** Judges one job. Never throws for anything the job holds. */
export function verifyJob(input: VerifyInput, policy: VerifyPolicy, moment: VerifyMoment): Verification {
  const v1 = policy.acceptV1 === true && looksLikeV1(input.job);
  const message = v1 ? v1EnvForms.map((form) => jobBytesV1(input.job, form)) : [jobBytes(input.job)];
  const progress: Progress = {
    message,
    spelling: message[0],
    points: [],
    counted: new Map(),
    onlyUnknownKeys: false,
  };
  const findings: Finding[] = [];
  for (const finding of checksOf(input, policy, moment.nowSeconds, progress)) {
    findings.push(finding);
    if (!finding.ok && moment.explain !== true) break;
  }
  const first = findings.find((finding) => !finding.ok);
  const codes = findings.flatMap((one) =>
    one.stage === first?.stage && one.code !== undefined ? [one.code] : [],
  );
  return {
    valid: first === undefined,
    ...(first === undefined ? {} : { reason: reasonOf(first), message: first.detail ?? first.name }),
    codes: [...new Set(codes)],
    signers: first === undefined ? [...progress.counted.keys()] : [],
    digest: sha256Hex(progress.spelling ?? ""),
    checks: findings.map(({ name, ok, detail }) =>
      detail === undefined ? { name, ok } : { name, ok, detail },
    ),
    onlyUnknownKeys: first?.code === "NOT_ALLOWED" && progress.onlyUnknownKeys,
    privileges: privilegesOf([...progress.counted.values()], policy.trust.threshold),
  };
}

function reasonOf(finding: Finding): JobReason {
  return finding.reason ?? (finding.code === undefined ? "internal" : reasonOfCode[finding.code]);
}

/** All checks in their order. The caller stops asking when it has heard enough. */
function* checksOf(
  { job, unknownFields }: VerifyInput,
  policy: VerifyPolicy,
  nowSeconds: number,
  progress: Progress,
): Generator<Finding> {
  const v1 = progress.message.length > 1;
  yield listCheck(job);
  yield fieldCheck(signedFieldFault(job, unknownFields, v1 ? 1 : 2));
  if (policy.runner !== undefined) yield runnerCheck(job, policy.runner);
  if (!v1) {
    yield audienceCheck(job, policy.trust);
    yield* windowChecks(job, policy.trust, nowSeconds);
  }
  yield* signatureChecks(job, progress);
  yield signerCheck(job, policy.trust, nowSeconds, progress);
  yield thresholdCheck(policy.trust, progress);
}

function passed(name: string, detail?: string): Finding {
  return detail === undefined ? { stage: name, name, ok: true } : { stage: name, name, ok: true, detail };
}

function refused(name: string, code: RefusalCode, detail: string, reason?: JobReason): Finding {
  const finding = { stage: name, name, ok: false, code, detail };
  return reason === undefined ? finding : { ...finding, reason };
}

function listCheck(job: Job): Finding {
  const count = job.signatures.length;
  if (count === 0) {
    return refused(
      "signatures",
      "NO_SIGNATURES",
      "the job carries no signature; sign it with `herojob sign`",
    );
  }
  return count > maxSignatures
    ? refused(
        "signatures",
        "TOO_MANY",
        `the job carries ${count} signatures; at most ${maxSignatures} are looked at`,
      )
    : passed("signatures");
}

function fieldCheck(fault: FieldFault | undefined): Finding {
  return fault === undefined ? passed("fields") : refused("fields", "BAD_FIELD", fault.message, fault.reason);
}

function runnerCheck(job: Job, runner: string): Finding {
  if (job.runner === runner) return passed("runner");
  const detail = `runner is ${shown(job.runner)}, signed so; this is ${shown(runner)}`;
  return refused("runner", "BAD_FIELD", detail, "wrong_runner");
}

function audienceCheck(job: Job, trust: TrustFile): Finding {
  if (job.audience === trust.audience) return passed("audience");
  return refused(
    "audience",
    "AUDIENCE",
    `audience is ${shown(job.audience)}; the trust file says ${shown(trust.audience)}`,
  );
}

function* windowChecks(job: Job, trust: TrustFile, nowSeconds: number): Generator<Finding> {
  const { createdAtSeconds: created = 0, expiresAtSeconds: expires = 0 } = job;
  yield expires - created > trust.maxWindowSeconds
    ? refused(
        "window",
        "BAD_FIELD",
        `expires_at is ${expires - created} s after created_at; the trust file allows ${trust.maxWindowSeconds} s`,
      )
    : passed("window");
  if (created > nowSeconds + trust.maxSkewSeconds) {
    const ahead = Math.ceil(created - nowSeconds);
    yield refused(
      "created_at",
      "NOT_YET_VALID",
      `created_at is ${ahead} s ahead; compare the clocks of both hosts`,
    );
  } else {
    yield passed("created_at");
  }
  if (nowSeconds > expires + trust.maxSkewSeconds) {
    const ago = Math.ceil(nowSeconds - expires);
    yield refused("expires_at", "EXPIRED", `expires_at was ${ago} s ago; sign the job again as a new one`);
  } else {
    yield passed("expires_at");
  }
}

function* signatureChecks(job: Job, progress: Progress): Generator<Finding> {
  const looked = job.signatures.map((one, at) => ({ ...one, at, fault: encodingFault(one.signature) }));
  // The hopeless ones come first: they are cheap to see, and one of them is enough to refuse.
  const inOrder = looked.sort((a, b) => Number(b.fault !== undefined) - Number(a.fault !== undefined));
  for (const { at, fault, publicKey, signature } of inOrder) {
    const name = `signature-${at + 1}`;
    const key = fault === undefined ? readPublicKey(publicKey) : undefined;
    const found = key === undefined ? (fault ?? "BAD_PUBLIC_KEY") : faultOfAll(progress, signature, key);
    if (found === undefined && key !== undefined) {
      progress.points.push(key.hex);
      yield { ...passed(name), stage: "signature" };
    } else {
      const code = found ?? "BAD_PUBLIC_KEY";
      yield { ...refused(name, code, faultSentences[code]), stage: "signature" };
    }
  }
}

/** A job of version 1 is accepted in either of its spellings. */
function faultOfAll(progress: Progress, signature: string, key: PublicKey): SignatureFault | undefined {
  let first: SignatureFault | undefined;
  for (const message of progress.message) {
    const fault = signatureFault(message, signature, key);
    if (fault === undefined) {
      progress.spelling = message;
      return undefined;
    }
    first ??= fault;
  }
  return first;
}

const faultSentences: Readonly<Record<SignatureFault, string>> = {
  BAD_ENCODING: "signature must be 128 hex digits, r then s",
  BAD_PUBLIC_KEY: "public_key must be a point of secp256k1 in 33 or 65 bytes of hex",
  HIGH_S: "signature has its s in the upper half; negate s, or let `herojob sign` make it",
  BAD_SIGNATURE:
    "signature is not one of this key over this job; a field was changed after signing, or the key is another",
};

function signerCheck(job: Job, trust: TrustFile, nowSeconds: number, progress: Progress): Finding {
  const remarks: string[] = [];
  let known = 0;
  for (const point of new Set(progress.points)) {
    const signer = trust.signers.find((one) => one.publicKey === point);
    if (signer === undefined) {
      remarks.push(`${point.slice(0, 16)}… is not in the trust file`);
      continue;
    }
    known += 1;
    const limit = limitOf(signer, job, nowSeconds);
    if (limit === undefined) progress.counted.set(signer.name, progress.counted.get(signer.name) ?? signer);
    else remarks.push(`${signer.name} ${limit}`);
  }
  progress.onlyUnknownKeys = known === 0 && progress.points.length > 0;
  const told = remarks.length === 0 ? undefined : `does not count: ${remarks.join("; ")}`;
  return progress.counted.size > 0
    ? passed("signer", told)
    : refused("signer", "NOT_ALLOWED", told ?? "no signature that verifies is left to look at");
}

/** Why a known key does not count for this job now, or undefined. */
function limitOf(signer: Signer, job: Job, nowSeconds: number): string | undefined {
  const { notBeforeSeconds, notAfterSeconds, callers, contexts, runners } = signer;
  if (notBeforeSeconds !== undefined && nowSeconds < notBeforeSeconds)
    return "has a key that is not valid yet";
  if (notAfterSeconds !== undefined && nowSeconds > notAfterSeconds)
    return "has a key that is not valid any more";
  if (callers !== undefined && !matchesAny(job.callerId, callers)) {
    return `may not sign for caller_id ${shown(job.callerId)}`;
  }
  if (contexts !== undefined && !matchesAny(job.contextId, contexts)) {
    return `may not sign for context_id ${shown(job.contextId)}`;
  }
  if (runners !== undefined && !matchesAny(job.runner, runners)) {
    return `may not sign for runner ${shown(job.runner)}`;
  }
  return undefined;
}

function thresholdCheck(trust: TrustFile, progress: Progress): Finding {
  const count = progress.counted.size;
  if (count >= trust.threshold) return passed("threshold");
  const twice = new Set(progress.points).size < progress.points.length;
  const detail = `${count} of ${trust.threshold} signers count${twice ? "; a key that signs twice counts once" : ""}`;
  return refused("threshold", twice ? "DUPLICATE_SIGNER" : "THRESHOLD", detail);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 128));
}
