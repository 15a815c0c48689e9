/** Signing jobs: completing what a signed job must state, then putting one signature after the other under it. */
import { randomBytes, randomUUID } from "node:crypto";
import type { Job } from "../job.ts";
import { jobBytes } from "./canonical.ts";
import type { SecretKey } from "./key-file.ts";
import { readPublicKey, signatureFault, signBytes } from "./signature.ts";
import { signedFieldFault } from "./signed-fields.ts";

export interface SignOptions {
  /** For jobs that name no audience. Default "default", as in trust files. */
  readonly audience?: string;
  /** For jobs without `expires_at`, from `created_at` on. Default 3600. */
  readonly expiresInSeconds?: number;
  /** For jobs without a timeout: it is signed, so it must be stated. Default 60. */
  readonly timeoutSeconds?: number;
  /** Unix time of the signer's host. */
  readonly nowSeconds: number;
}

/** Why a job cannot be signed: a sentence that names the field. */
export class SigningError extends Error {
  override readonly name = "SigningError";
}

/**
 * The job with everything stated that a signature covers: missing id, caller (the key's name), context ("default"),
 * audience, timeout, nonce, `created_at` and `expires_at` are filled in. A job that already carries signatures comes
 * back as it is, since filling anything in would break them.
 */
export function completeJob(job: Job, key: Pick<SecretKey, "name">, options: SignOptions): Job {
  if (job.signatures.length > 0) return job;
  const createdAtSeconds = job.createdAtSeconds ?? Math.floor(options.nowSeconds);
  return {
    ...job,
    id: job.id || randomUUID(),
    callerId: job.callerId || key.name,
    contextId: job.contextId || "default",
    audience: job.audience || (options.audience ?? "default"),
    timeoutSeconds: job.timeoutSeconds ?? options.timeoutSeconds ?? 60,
    nonce: job.nonce || randomBytes(16).toString("hex"),
    createdAtSeconds,
    expiresAtSeconds: job.expiresAtSeconds ?? createdAtSeconds + (options.expiresInSeconds ?? 3600),
  };
}

/**
 * Completes the job and adds a signature of the key; throws SigningError when a field may not be signed. A job whose
 * key is already under it comes back unchanged.
 */
export async function signJob(job: Job, key: SecretKey, options: SignOptions): Promise<Job> {
  return addSignature(completeJob(job, key, options), key);
}

/** Adds one more signature to a signed job and changes nothing else. Throws SigningError if an old one does not hold. */
export async function cosignJob(job: Job, key: SecretKey): Promise<Job> {
  if (job.signatures.length === 0) throw new SigningError("the job carries no signature yet; sign it first");
  const message = jobBytes(job);
  for (const [at, { publicKey, signature }] of job.signatures.entries()) {
    const signer = readPublicKey(publicKey);
    if (signer === undefined || signatureFault(message, signature, signer) !== undefined) {
      throw new SigningError(
        `signature ${at + 1} does not hold: the job was changed after it was signed; start anew`,
      );
    }
  }
  return addSignature(job, key);
}

async function addSignature(job: Job, key: SecretKey): Promise<Job> {
  const fault = signedFieldFault(job, [], 2);
  if (fault !== undefined) throw new SigningError(fault.message);
  if (job.signatures.some((one) => readPublicKey(one.publicKey)?.hex === key.publicKey)) return job;
  const signature = await signBytes(jobBytes(job), key.secretKey);
  return { ...job, signatures: [...job.signatures, { publicKey: key.publicKey, signature }] };
}
