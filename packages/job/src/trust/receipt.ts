/**
 * Receipts: the runner's signed word on how a job ended. Same frame and curve as jobs, a type of its own, so that
 * neither can be passed off as the other. A receipt proves what that key said, not that it was true.
 */
import type { Job } from "../job.ts";
import { isJobReason, type JobOutcome } from "../outcome.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from "../strict-json.ts";
import { dsseFrame, jobDigest, netstrings, sha256Hex } from "./canonical.ts";
import type { SecretKey } from "./key-file.ts";
import { readPublicKey, signatureFault, signBytes } from "./signature.ts";

export const receiptPayloadType = "application/vnd.hero.receipt.v1";

/** What is signed, with the names of the JSON form. Empty text where something does not apply. */
export interface ReceiptStatement {
  readonly runner: string;
  readonly job_id: string;
  /** {@link jobDigest} of the job as it was admitted. */
  readonly job_digest: string;
  readonly status: "finished" | "error";
  readonly reason: string;
  readonly exit_code: number | "";
  readonly signal: string;
  readonly attempt: number;
  /** Milliseconds since 1970 on the runner's host. */
  readonly started_at: number;
  readonly finished_at: number;
  /** Bytes the process wrote. */
  readonly stdout_bytes: number;
  readonly stderr_bytes: number;
  /** SHA-256 of all it wrote, after secrets were masked; empty where nobody hashed the stream. */
  readonly stdout_sha256: string;
  readonly stderr_sha256: string;
  /** SHA-256 of what the record keeps of it, the fields `result` and `stderr`; empty where nothing was run. */
  readonly stdout_stored_sha256: string;
  readonly stderr_stored_sha256: string;
  /** Names whose signatures counted, joined by a comma (names hold none). */
  readonly signers: string;
}

export interface ReceiptFacts {
  readonly outcome: JobOutcome;
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly signers: readonly string[];
}

/** Members in the order in which they are signed. */
const textMembers = [
  "runner",
  "job_id",
  "job_digest",
  "status",
  "reason",
  "signal",
  "stdout_sha256",
  "stderr_sha256",
  "stdout_stored_sha256",
  "stderr_stored_sha256",
  "signers",
] as const;
const numberMembers = [
  "exit_code",
  "attempt",
  "started_at",
  "finished_at",
  "stdout_bytes",
  "stderr_bytes",
] as const;

export function receiptStatement(job: Job, facts: ReceiptFacts): ReceiptStatement {
  const { outcome } = facts;
  const { output } = outcome;
  const failed = outcome.kind === "error" ? outcome : undefined;
  return {
    runner: job.runner,
    job_id: job.id,
    job_digest: jobDigest(job),
    status: outcome.kind,
    reason: failed?.reason ?? "",
    exit_code: failed === undefined ? 0 : (failed.exitCode ?? ""),
    signal: failed?.signal ?? "",
    attempt: facts.attempt,
    started_at: Math.round(facts.startedAtMs),
    finished_at: Math.round(facts.finishedAtMs),
    stdout_bytes: output?.stdoutBytes ?? 0,
    stderr_bytes: output?.stderrBytes ?? 0,
    stdout_sha256: outcome.facts?.stdoutSha256 ?? "",
    stderr_sha256: outcome.facts?.stderrSha256 ?? "",
    stdout_stored_sha256: output === undefined ? "" : sha256Hex(output.stdout),
    stderr_stored_sha256: output === undefined ? "" : sha256Hex(output.stderr),
    signers: facts.signers.join(","),
  };
}

/** The signed bytes: netstrings of the text members, then of the number members as plain decimal. */
export function receiptBytes(statement: ReceiptStatement): Buffer {
  const values = [...textMembers, ...numberMembers].map((name) => statement[name]);
  return dsseFrame(receiptPayloadType, netstrings(values));
}

/** The text for the field `receipt` of the job hash: the statement with `public_key` and `signature`. */
export async function signReceipt(statement: ReceiptStatement, key: SecretKey): Promise<string> {
  const signature = await signBytes(receiptBytes(statement), key.secretKey);
  return JSON.stringify({ ...statement, public_key: key.publicKey, signature });
}

export type ReadReceipt =
  /** The signature holds; `publicKey` (compressed) is whose it is. Whether that runner is trusted is the caller's to say. */
  | { readonly ok: true; readonly statement: ReceiptStatement; readonly publicKey: string }
  | { readonly ok: false; readonly problem: string };

/** Reads a receipt and checks its signature against the key it names. Never throws. */
export function verifyReceipt(text: string): ReadReceipt {
  const parsed = parseStrictJson(text);
  if (!parsed.ok) return { ok: false, problem: `the receipt is not valid JSON: ${parsed.detail}` };
  if (!isJsonObject(parsed.value)) return { ok: false, problem: "the receipt must be one JSON object" };
  const members = parsed.value;
  const statement = statementOf(members);
  if (typeof statement === "string") return { ok: false, problem: statement };
  const { public_key, signature } = {
    public_key: members.get("public_key"),
    signature: members.get("signature"),
  };
  const key = typeof public_key === "string" ? readPublicKey(public_key) : undefined;
  if (key === undefined) return { ok: false, problem: "public_key is not a point of secp256k1" };
  if (
    typeof signature !== "string" ||
    signatureFault(receiptBytes(statement), signature, key) !== undefined
  ) {
    return {
      ok: false,
      problem: "the signature does not hold: the receipt was changed, or is of another key",
    };
  }
  return { ok: true, statement, publicKey: key.hex };
}

function statementOf(members: JsonObject): ReceiptStatement | string {
  const known: ReadonlySet<string> = new Set([...textMembers, ...numberMembers, "public_key", "signature"]);
  const stranger = [...members.keys()].find((name) => !known.has(name));
  if (stranger !== undefined) return `${JSON.stringify(stranger.slice(0, 80))} is not a member of a receipt`;
  for (const name of textMembers) {
    if (typeof members.get(name) !== "string") return `${name} must be text`;
  }
  for (const name of numberMembers) {
    const value = members.get(name);
    if (!isCount(value) && !(name === "exit_code" && value === "")) return `${name} must be a whole number`;
  }
  const status = members.get("status");
  const reason = members.get("reason");
  if (status !== "finished" && status !== "error") return "status must be finished or error";
  if (reason !== "" && (typeof reason !== "string" || !isJobReason(reason)))
    return "reason is not a known one";
  // Every member was checked by name and type above.
  return Object.fromEntries(
    [...textMembers, ...numberMembers].map((name) => [name, members.get(name)]),
  ) as unknown as ReceiptStatement;
}

function isCount(value: JsonValue | undefined): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

/** What a stored record says about a job, as far as a receipt can contradict it. */
export interface ReceiptedRecord {
  readonly job: Job;
  readonly status: string;
  readonly reason: string | undefined;
  readonly exitCode: number | undefined;
  readonly result: string | undefined;
  readonly stderr: string | undefined;
}

/** The first thing in which the record and the receipt differ, as a sentence; undefined when they agree. */
export function receiptMismatch(statement: ReceiptStatement, record: ReceiptedRecord): string | undefined {
  const { job } = record;
  if (statement.runner !== job.runner || statement.job_id !== job.id) return "the receipt is for another job";
  if (statement.job_digest !== jobDigest(job))
    return "the job was changed after it ran: its digest is another";
  if (statement.status !== record.status)
    return `the receipt says ${statement.status}, the record ${record.status}`;
  if (statement.reason !== (record.reason ?? "")) return "the reason in the record is another";
  if (statement.exit_code !== (record.exitCode ?? "")) return "the exit code in the record is another";
  if (!isStored(record.result, statement.stdout_stored_sha256)) return "the result in the record is another";
  if (!isStored(record.stderr, statement.stderr_stored_sha256)) return "the stderr in the record is another";
  return undefined;
}

/** Nothing in the record and nothing said about it is agreement too. */
function isStored(text: string | undefined, sha256: string): boolean {
  return sha256 === "" ? (text ?? "") === "" : sha256Hex(text ?? "") === sha256;
}
