/** What a submitter says, and its check before anything is stored: with the very codec that the runner uses. */
import { randomUUID } from "node:crypto";
import { decodeJob, encodeJob } from "./codec.ts";
import { ClientError } from "./errors.ts";
import { isFinal, type Job, type JobSignature, type JobStatus } from "./job.ts";
import { idPattern } from "./keys.ts";

/** What a submitter says. Everything but `runner` and `payload` has a default. */
export interface JobRequest {
  readonly runner: string;
  readonly payload: string;
  /** Default: a random UUID. Giving one makes the submission safe to repeat. */
  readonly id?: string;
  readonly callerId?: string;
  readonly contextId?: string;
  readonly executor?: string;
  /** 1 to 604800. Default: the runner's choice. */
  readonly timeoutSeconds?: number;
  readonly envVars?: Readonly<Record<string, string>> | ReadonlyMap<string, string>;
  readonly maxAttempts?: number;
  readonly trace?: string;
  readonly createdAtSeconds?: number;
  readonly expiresAtSeconds?: number;
  readonly audience?: string;
  readonly nonce?: string;
  readonly signatures?: readonly JobSignature[];
}

/** Largest payload that a client accepts; runners may be stricter. */
export const maxPayloadBytes = 64 * 1024 * 1024;

/** A stored job as a new one: everything that belongs to one submission only is left behind. Throws ClientError CONFLICT. */
export function requestAgain(job: Job, status: JobStatus): JobRequest {
  if (!isFinal(status)) {
    throw new ClientError("CONFLICT", `job ${job.id} is ${status}; only a final job can be retried`);
  }
  if (job.signatures.length > 0) {
    throw new ClientError("CONFLICT", `job ${job.id} is signed; only its signers can submit it again`);
  }
  const { runner, payload, callerId, contextId, executor, envVars, maxAttempts, trace } = job;
  const timeout = job.timeoutSeconds === undefined ? {} : { timeoutSeconds: job.timeoutSeconds };
  return { runner, payload, callerId, contextId, executor, envVars, maxAttempts, trace, ...timeout };
}

/** Fills in defaults and checks every field with the codec that the runner uses. Throws ClientError INVALID_JOB. */
export function checkRequest(request: JobRequest): Job {
  const { envVars = new Map<string, string>(), ...rest } = stated(request);
  const job: Job = {
    ...{
      id: randomUUID(),
      callerId: "",
      contextId: "",
      executor: "",
      timeoutSeconds: undefined,
      maxAttempts: 1,
    },
    ...{
      trace: "",
      // A signed job stays as it was signed.
      createdAtSeconds: request.signatures?.length ? undefined : Math.floor(Date.now() / 1000),
      expiresAtSeconds: undefined,
      audience: "",
      nonce: "",
    },
    signatures: [],
    ...rest,
    envVars: envVars instanceof Map ? envVars : new Map(Object.entries(envVars)),
  };
  for (const name of ["id", "runner"] as const) {
    if (typeof job[name] === "string" && idPattern.test(job[name])) continue;
    throw new ClientError(
      "INVALID_JOB",
      `${name} is ${JSON.stringify(job[name])}; it must match ${idPattern.source}`,
    );
  }
  for (const [member, name] of texts) {
    if (typeof job[member] === "string") continue;
    throw new ClientError("INVALID_JOB", `${name} is ${JSON.stringify(job[member])}; it must be a string`);
  }
  const wire = new Map([...encodeJob(job)].map(([name, text]) => [name, Buffer.from(text)]));
  const decoded = decodeJob(wire, { id: job.id, runner: job.runner }, { maxPayloadBytes });
  if (!decoded.ok) throw new ClientError("INVALID_JOB", decoded.message);
  return decoded.job;
}

/** Texts of a request under their wire names. In JavaScript, whatever the types say, they can be anything. */
const texts = [
  ["payload", "payload"],
  ["callerId", "caller_id"],
  ["contextId", "context_id"],
  ["executor", "executor"],
  ["trace", "trace"],
  ["audience", "audience"],
  ["nonce", "nonce"],
] as const;

/** A member that is undefined is one that was left out, so that what may be missing can be handed on. */
function stated(request: JobRequest): JobRequest {
  const members = Object.entries(request).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members) as unknown as JobRequest; // what is missing, types cannot see here
}
