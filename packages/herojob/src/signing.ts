/** The key and the terms of a signature, as the command line gives them. */
import type { Job } from "@herorunner/job";
import { cosignJob, loadKeyFile, signJob, type SignOptions } from "@herorunner/job/trust";
import type { SigningConfig } from "./job-options.ts";

export function signOptions(config: Omit<SigningConfig, "key">, nowMs: number): SignOptions {
  return {
    nowSeconds: Math.floor(nowMs / 1000),
    ...(config.audience === undefined ? {} : { audience: config.audience }),
    ...(config.expiresInMs === undefined ? {} : { expiresInSeconds: config.expiresInMs / 1000 }),
  };
}

/** Undefined without a key. A job that is signed already gets one signature more. */
export async function signer(
  config: SigningConfig,
  nowMs: number,
): Promise<((job: Job) => Promise<Job>) | undefined> {
  if (config.key === undefined) return undefined;
  const key = await loadKeyFile(config.key);
  return (job) =>
    job.signatures.length > 0 ? cosignJob(job, key) : signJob(job, key, signOptions(config, nowMs));
}
