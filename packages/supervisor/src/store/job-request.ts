/** What a caller says about a job, in the words of the SDK; and the command that submits a signed job again. */
import type { Job, JobRequest } from "@herorunner/job";

/** The parameters of `job.create`. */
export interface JobRequestWire {
  readonly runner: string;
  readonly payload: string;
  readonly id?: string | undefined;
  readonly timeout?: number | undefined;
  readonly env_vars?: Readonly<Record<string, string>> | undefined;
  readonly caller_id?: string | undefined;
  readonly context_id?: string | undefined;
  readonly executor?: string | undefined;
  readonly max_attempts?: number | undefined;
  readonly trace?: string | undefined;
  readonly created_at?: number | undefined;
  readonly expires_at?: number | undefined;
  readonly audience?: string | undefined;
  readonly nonce?: string | undefined;
  readonly signatures?: readonly { readonly public_key: string; readonly signature: string }[] | undefined;
}

export function readJobRequest(wire: JobRequestWire): JobRequest {
  const given = {
    runner: wire.runner,
    payload: wire.payload,
    id: wire.id,
    callerId: wire.caller_id,
    contextId: wire.context_id,
    executor: wire.executor,
    timeoutSeconds: wire.timeout,
    maxAttempts: wire.max_attempts,
    trace: wire.trace,
    createdAtSeconds: wire.created_at,
    expiresAtSeconds: wire.expires_at,
    audience: wire.audience,
    nonce: wire.nonce,
    envVars: wire.env_vars === undefined ? undefined : new Map(Object.entries(wire.env_vars)),
    signatures: wire.signatures?.map((one) => ({ publicKey: one.public_key, signature: one.signature })),
  };
  // Members that are undefined would replace the SDK's defaults.
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as JobRequest;
}

/** For a shell. Values of variables are not known to us. */
export function resubmitCommand(job: Job): string {
  const words = ["herojob submit", "--runner", job.runner, "--key KEY_FILE"];
  if (job.audience !== "") words.push("--audience", job.audience);
  if (job.timeoutSeconds !== undefined) words.push("--timeout", String(job.timeoutSeconds));
  for (const name of job.envVars.keys()) words.push(`--env ${name}=VALUE`);
  return [...words, "script.hero"].join(" ");
}
