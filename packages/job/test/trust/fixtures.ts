/** Keys, jobs and trust files for the tests of this folder. The keys are made anew in every run. */
import type { Job } from "../../src/job.ts";
import {
  generateKey,
  parseTrustFile,
  type SecretKey,
  signJob,
  type TrustFile,
} from "../../src/trust/index.ts";

export const nowSeconds = 1_800_000_000;

export const alice = generateKey("alice");
export const bob = generateKey("bob");
export const carol = generateKey("carol");
export const mallory = generateKey("mallory");

export function plainJob(changes: Partial<Job> = {}): Job {
  return {
    id: "job-1",
    runner: "hero1",
    callerId: "alice",
    contextId: "ctx-7",
    executor: "",
    payload: 'print("hello")',
    timeoutSeconds: 60,
    envVars: new Map([
      ["A", "1"],
      ["B", "two"],
    ]),
    maxAttempts: 1,
    trace: "",
    createdAtSeconds: nowSeconds - 10,
    expiresAtSeconds: nowSeconds + 3600,
    audience: "default",
    nonce: "6f1c0f5f0f7e4a0c9a5c1d2e3f405162",
    signatures: [],
    ...changes,
  };
}

/** The job under the signatures of the given keys, one after the other. */
export async function signedJob(
  keys: readonly SecretKey[] = [alice],
  changes: Partial<Job> = {},
): Promise<Job> {
  let job = plainJob(changes);
  for (const key of keys) job = await signJob(job, key, { nowSeconds });
  return job;
}

export function entry(key: SecretKey, limits: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: key.name, public_key: key.publicKey, ...limits };
}

export function trustOf(
  signers: readonly Record<string, unknown>[],
  rest: Record<string, unknown> = {},
): TrustFile {
  const parsed = parseTrustFile(JSON.stringify({ ...rest, signers }));
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.trust;
}
