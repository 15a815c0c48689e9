/** Signed jobs as a client sends them, and whether what was stored is still what was signed. */
import { checkRequest, decodeJob, type JobRequest, type RawFields } from "@herorunner/job";
import { cosignJob, generateKey, signJob, writeJobFile } from "@herorunner/job/trust";
import type { MethodParams } from "../../src/client.ts";

/** The parameters of `job.create` for this request, signed by a key of its own. */
export async function signedParams(request: JobRequest): Promise<MethodParams<"job.create">> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const job = await signJob(checkRequest(request), generateKey("alice"), { nowSeconds });
  return JSON.parse(writeJobFile(job)) as MethodParams<"job.create">;
}

/** Throws unless every signature of the stored job holds: nobody adds one to a job whose bytes have changed. */
export async function mustStillHold(
  fields: RawFields,
  key: { readonly id: string; readonly runner: string },
): Promise<void> {
  const decoded = decodeJob(fields, key, { maxPayloadBytes: 1024 * 1024 });
  if (!decoded.ok) throw new Error(decoded.message);
  await cosignJob(decoded.job, generateKey("bob"));
}
