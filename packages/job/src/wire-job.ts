/** A job as JSON with the wire names: integers as numbers, `env_vars` an object, defaults left out. */
import type { Job } from "./job.ts";

export function wireJob(job: Job): Record<string, unknown> {
  const signatures = job.signatures.map((one) => ({ public_key: one.publicKey, signature: one.signature }));
  return {
    id: job.id || undefined,
    runner: job.runner || undefined,
    caller_id: job.callerId || undefined,
    context_id: job.contextId || undefined,
    executor: job.executor || undefined,
    payload: job.payload,
    timeout: job.timeoutSeconds,
    env_vars: job.envVars.size === 0 ? undefined : plainObject(job.envVars),
    max_attempts: job.maxAttempts === 1 ? undefined : job.maxAttempts,
    trace: job.trace || undefined,
    audience: job.audience || undefined,
    created_at: job.createdAtSeconds,
    expires_at: job.expiresAtSeconds,
    nonce: job.nonce || undefined,
    signatures: signatures.length === 0 ? undefined : signatures,
  };
}

/** With a null prototype, because a variable may be called __proto__. */
function plainObject(map: ReadonlyMap<string, string>): Record<string, string> {
  const object: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of map) object[name] = value;
  return object;
}
