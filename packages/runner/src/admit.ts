/**
 * Admission: foreign bytes → VerifiedJob, or a refusal that says which field is at fault. A pure function of the claim,
 * the policy and the time; nothing is executed, nothing is asked. The only place that makes a VerifiedJob.
 */
import {
  type Claim,
  decodeJob,
  type ErrorOutcome,
  failed,
  type Job,
  type StartOptions,
  systemFields,
  type VerifiedJob,
} from "@herorunner/job";
import type { Trust } from "@herorunner/job/trust";

export type Admission =
  | {
      readonly ok: true;
      readonly job: VerifiedJob;
      readonly startOptions: StartOptions;
      readonly warning?: string;
    }
  | { readonly ok: false; readonly outcome: ErrorOutcome };

export type Admit = (claim: Claim) => Admission;

export interface AdmitPolicy {
  readonly runner: string;
  /** A job that names another executor is refused. */
  readonly runnerType: string;
  /** Judges signatures, dates and audience; may be swapped between two jobs. */
  readonly trust: () => Trust;
  readonly defaultTimeoutSeconds: number;
  /** A job that asks for more is refused. */
  readonly maxTimeoutSeconds: number;
  readonly maxPayloadBytes: number;
  /** Further conditions of this kind of runner; a sentence and a reason refuse the job. */
  readonly alsoCheck?: (job: VerifiedJob) => ErrorOutcome | undefined;
  /** Wall clock of this host, ms. */
  readonly now: () => number;
}

const ours: ReadonlySet<string> = new Set(systemFields);

export function createAdmit(policy: AdmitPolicy): Admit {
  return (claim) => {
    const outcome = tooLarge(claim, policy);
    if (outcome !== undefined) return { ok: false, outcome };
    const key = { id: claim.jobId, runner: policy.runner };
    const decoded = decodeJob(claim.fields, key, { maxPayloadBytes: policy.maxPayloadBytes });
    if (!decoded.ok) return { ok: false, outcome: failed(decoded.reason, decoded.message) };
    const misfit = misfitOf(decoded.job, policy);
    if (misfit !== undefined) return { ok: false, outcome: misfit };
    const unknownFields = decoded.unknownFields.filter((name) => !ours.has(name));
    return verify(decoded.job, unknownFields, policy);
  };
}

function tooLarge(claim: Claim, policy: AdmitPolicy): ErrorOutcome | undefined {
  if (claim.oversizedBytes === undefined) return undefined;
  const limit = policy.maxPayloadBytes;
  return failed(
    "too_large",
    `the job's hash has ${claim.oversizedBytes} bytes; payload may have ${limit}, see --max-payload`,
  );
}

function misfitOf(job: Job, policy: AdmitPolicy): ErrorOutcome | undefined {
  if (job.executor !== "" && job.executor !== policy.runnerType) {
    const mine = JSON.stringify(policy.runnerType);
    return failed(
      "malformed",
      `executor is ${JSON.stringify(job.executor)}; this runner is of type ${mine}, leave it empty or name that`,
    );
  }
  const asked = job.timeoutSeconds;
  if (asked !== undefined && asked > policy.maxTimeoutSeconds) {
    return failed(
      "malformed",
      `timeout is ${asked} s; this runner allows at most ${policy.maxTimeoutSeconds} s, see --max-timeout`,
    );
  }
  return undefined;
}

function verify(job: Job, unknownFields: readonly string[], policy: AdmitPolicy): Admission {
  const nowMs = policy.now();
  const verdict = policy.trust().check(job, unknownFields, nowMs);
  if (!verdict.ok) return { ok: false, outcome: failed(verdict.reason, verdict.message) };
  const { ok: _ok, warning, ...trusted } = verdict;
  const timeoutMs = (job.timeoutSeconds ?? policy.defaultTimeoutSeconds) * 1000;
  // The one cast that makes a VerifiedJob: everything above has to be passed to get here.
  const verified = { ...job, ...trusted, timeoutMs } as Job as VerifiedJob;
  const refused = policy.alsoCheck?.(verified);
  if (refused !== undefined) return { ok: false, outcome: refused };
  const { replay } = verdict;
  const startOptions =
    replay === undefined ? {} : { maxStarts: replay.maxStarts, replayGuardMs: replay.guardMs };
  return { ok: true, job: verified, startOptions, ...(warning === undefined ? {} : { warning }) };
}
