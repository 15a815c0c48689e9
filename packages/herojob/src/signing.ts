/** The key and the terms of a signature, as the command line gives them. */
import type { Job } from "@herorunner/job";
import { cosignJob, loadKeyFile, signJob, type SignOptions } from "@herorunner/job/trust";
import type { SigningConfig } from "./job-options.ts";
import { UsageError } from "./usage-error.ts";

type Term = "audience" | "expiresInMs";
/** Whether a term stands on the command line. One in the environment is a default, and yields to what a job says. */
export type IsTyped = (term: Term) => boolean;

export interface SigningTerms {
  readonly config: Omit<SigningConfig, "key">;
  readonly isTyped: IsTyped;
  readonly nowMs: number;
}

/** Throws UsageError where the job itself states other terms: whoever gives a flag must not sign for something else. */
export function signOptions(job: Job, { config, isTyped, nowMs }: SigningTerms): SignOptions {
  const nowSeconds = Math.floor(nowMs / 1000);
  const { audience, expiresInMs } = config;
  if (isTyped("audience") && job.audience !== "" && job.audience !== audience) {
    throw new UsageError(
      `--audience is ${audience}, but the job names ${job.audience}; leave one of them out`,
    );
  }
  const { createdAtSeconds = nowSeconds, expiresAtSeconds } = job;
  if (isTyped("expiresInMs") && expiresInMs !== undefined && expiresAtSeconds !== undefined) {
    const statedSeconds = expiresAtSeconds - createdAtSeconds;
    if (statedSeconds !== expiresInMs / 1000) {
      throw new UsageError(
        `--expires-in is ${expiresInMs / 1000}, but the job states expires_at, ${statedSeconds} s after its created_at; leave one of them out`,
      );
    }
  }
  return {
    nowSeconds,
    ...(audience === undefined ? {} : { audience }),
    ...(expiresInMs === undefined ? {} : { expiresInSeconds: expiresInMs / 1000 }),
  };
}

/** Undefined without a key. A job that is signed already gets one signature more. */
export async function signer(
  keyFile: string | undefined,
  terms: SigningTerms,
): Promise<((job: Job) => Promise<Job>) | undefined> {
  if (keyFile === undefined) return undefined;
  const key = await loadKeyFile(keyFile);
  return (job) =>
    job.signatures.length > 0 ? cosignJob(job, key) : signJob(job, key, signOptions(job, terms));
}
