/**
 * What a job must look like before anybody looks at its signatures. Stricter than decoding: a signed job states
 * everything that steers its run, and carries nothing that its signature does not cover.
 */
import {
  envProblem,
  executorPattern,
  maxAttemptsRange,
  noncePattern,
  systemFields,
  timeoutSecondsRange,
} from "../fields.ts";
import type { Job } from "../job.ts";
import { idPattern } from "../keys.ts";
import type { JobReason } from "../outcome.ts";

export interface FieldFault {
  readonly reason: Extract<JobReason, "malformed" | "env_refused">;
  /** A sentence that starts with the wire name of the field. */
  readonly message: string;
}

/** A job without any field of version 2 can only have been signed the old way. */
export function looksLikeV1(job: Job): boolean {
  return (
    job.createdAtSeconds === undefined &&
    job.expiresAtSeconds === undefined &&
    job.audience === "" &&
    job.nonce === ""
  );
}

/** The first rule that the job breaks; undefined when it may be signed. `unknownFields`: names beside the client's own. */
export function signedFieldFault(
  job: Job,
  unknownFields: readonly string[],
  version: 1 | 2,
): FieldFault | undefined {
  const stranger = unknownFields.find((name) => !ownFields.has(name));
  if (stranger !== undefined) {
    const shown = JSON.stringify(stranger.slice(0, 80));
    return malformed(`${shown} is not a field of a job; a signed job carries nothing that is not signed`);
  }
  return textFault(job, version) ?? numberFault(job, version) ?? envFault(job);
}

const ownFields: ReadonlySet<string> = new Set(systemFields);

function textFault(job: Job, version: 1 | 2): FieldFault | undefined {
  const names: [string, string][] = [
    ["id", job.id],
    ["caller_id", job.callerId],
    ["context_id", job.contextId],
    ["runner", job.runner],
  ];
  if (version === 2) names.push(["audience", job.audience]);
  for (const [field, text] of names) {
    if (text === "") return malformed(`${field} is missing; a signed job must state it`);
    if (!idPattern.test(text)) return malformed(`${field} must match ${idPattern.source}`);
  }
  if (version === 1 && job.executor !== "") {
    return malformed("executor is not covered by a signature of version 1; leave it out or sign again");
  }
  if (!executorPattern.test(job.executor)) return malformed(`executor must match ${executorPattern.source}`);
  if (version === 2 && !noncePattern.test(job.nonce)) {
    return malformed("nonce must be 32 lower-case hex digits, new for every job");
  }
  return isUnicode(job.payload) ? undefined : malformed("payload holds half a surrogate pair");
}

function numberFault(job: Job, version: 1 | 2): FieldFault | undefined {
  const { low, high } = timeoutSecondsRange;
  if (!inRange(job.timeoutSeconds, low, high)) {
    return malformed(`timeout must be a whole number from ${low} to ${high}; a signed job must state it`);
  }
  if (!inRange(job.maxAttempts, maxAttemptsRange.low, maxAttemptsRange.high)) {
    return malformed(
      `max_attempts must be a whole number from ${maxAttemptsRange.low} to ${maxAttemptsRange.high}`,
    );
  }
  if (version === 1) return undefined;
  const { createdAtSeconds: created, expiresAtSeconds: expires } = job;
  if (!inRange(created, 0, Number.MAX_SAFE_INTEGER)) {
    return malformed("created_at must be unix seconds; a signed job must state it");
  }
  if (!inRange(expires, 0, Number.MAX_SAFE_INTEGER)) {
    return malformed("expires_at must be unix seconds; a signed job must state it");
  }
  return expires > created ? undefined : malformed("expires_at must be after created_at");
}

function envFault(job: Job): FieldFault | undefined {
  const fault = envProblem(job.envVars);
  if (fault !== undefined) return { reason: "env_refused", message: `env_vars ${fault.problem}` };
  const broken = [...job.envVars].find(([, value]) => !isUnicode(value));
  return broken === undefined
    ? undefined
    : { reason: "env_refused", message: `env_vars value of ${broken[0]} holds half a surrogate pair` };
}

function inRange(value: number | undefined, low: number, high: number): value is number {
  return value !== undefined && Number.isInteger(value) && value >= low && value <= high;
}

/** A lone surrogate has no UTF-8: it would be signed as U+FFFD and run as something else. */
function isUnicode(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function malformed(message: string): FieldFault {
  return { reason: "malformed", message };
}
