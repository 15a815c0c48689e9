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
  timeoutSecondsRange,
  type VerifiedJob,
} from "@herorunner/job";
import { createTrust, type Trust } from "@herorunner/job/trust";
import type { Logger } from "./ports.ts";

export type Admission =
  | {
      readonly ok: true;
      readonly job: VerifiedJob;
      readonly startOptions: StartOptions;
      readonly warning?: string;
      /**
       * To be asked right before the job starts: where another trust is in force than at the last look, the job is judged by
       * that one, and the same `job` carries its verdict from then on. Undefined where it is the same trust.
       */
      readonly recheck?: () => Verdict | undefined;
    }
  | Refusal;

export interface Refusal {
  readonly ok: false;
  readonly outcome: ErrorOutcome;
}

/** What a look at the trust in force says of a job that was admitted before. */
export type Verdict = { readonly ok: true; readonly warning?: string } | Refusal;

export type Admit = (claim: Claim) => Admission;

export interface AdmitPolicy {
  readonly runnerId: string;
  /** A job that names another executor is refused. */
  readonly runnerType: string;
  /** Judges signatures, dates and audience; may answer another one from job to job. Default: no signatures are checked. */
  readonly trust?: () => Trust;
  /** For jobs that name none. Default 60. */
  readonly defaultTimeoutSeconds?: number;
  /** A job that asks for more is refused. Default 604 800. */
  readonly maxTimeoutSeconds?: number;
  /** Default 16 MiB. */
  readonly maxPayloadBytes?: number;
  /** Further conditions of this kind of runner; an outcome refuses the job. */
  readonly alsoCheck?: (job: VerifiedJob) => ErrorOutcome | undefined;
  /** Wall clock of this host, ms. */
  readonly now?: () => number;
}

const ours: ReadonlySet<string> = new Set(systemFields);

type FullPolicy = Required<Omit<AdmitPolicy, "alsoCheck">> & Pick<AdmitPolicy, "alsoCheck">;

/** `createAdmit(runner)` is a policy too: a Runner has `runnerId` and `runnerType`. */
export function createAdmit(given: AdmitPolicy): Admit {
  const unsigned = createTrust({ mode: "off", runner: given.runnerId });
  const policy: FullPolicy = {
    trust: () => unsigned,
    defaultTimeoutSeconds: 60,
    maxTimeoutSeconds: timeoutSecondsRange.high,
    maxPayloadBytes: 16 * 1024 * 1024,
    now: Date.now,
    ...given,
  };
  return (claim) => {
    const outcome = tooLarge(claim, policy);
    if (outcome !== undefined) return { ok: false, outcome };
    const key = { id: claim.jobId, runner: policy.runnerId };
    const decoded = decodeJob(claim.fields, key, { maxPayloadBytes: policy.maxPayloadBytes });
    if (!decoded.ok) return { ok: false, outcome: failed(decoded.reason, decoded.message) };
    const misfit = misfitOf(decoded.job, policy);
    if (misfit !== undefined) return { ok: false, outcome: misfit };
    const unknownFields = decoded.unknownFields.filter((name) => !ours.has(name));
    return verify(decoded.job, unknownFields, policy);
  };
}

/**
 * Around any Admit: what it throws refuses that one job as `internal`. Foreign bytes that find a bug must not end the
 * runner, because they would end the next one too.
 */
export function refusingOnBugs(admit: Admit, logger: Logger): Admit {
  return (claim) => {
    try {
      return admit(claim);
    } catch (error) {
      logger.error({ id: claim.jobId, error }, "the runner's own admission failed");
      const message = "the runner failed while checking the job, nothing was run; see its log";
      return { ok: false, outcome: failed("internal", message) };
    }
  };
}

function tooLarge(claim: Claim, policy: FullPolicy): ErrorOutcome | undefined {
  if (claim.oversizedBytes === undefined) return undefined;
  const limit = policy.maxPayloadBytes;
  return failed(
    "too_large",
    `the job's hash has ${claim.oversizedBytes} bytes; payload may have ${limit}, see --max-payload`,
  );
}

function misfitOf(job: Job, policy: FullPolicy): ErrorOutcome | undefined {
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

function verify(job: Job, unknownFields: readonly string[], policy: FullPolicy): Admission {
  let trust = policy.trust();
  const verdict = judge(job, unknownFields, trust, policy);
  if (!verdict.ok) return verdict;
  const { verified, ...verdictOnly } = verdict;
  const { replay } = verified;
  const recheck = (): Verdict | undefined => {
    const current = policy.trust();
    if (current === trust) return undefined;
    trust = current;
    return judge(job, unknownFields, current, policy);
  };
  const startOptions =
    replay === undefined ? {} : { maxStarts: replay.maxStarts, replayGuardMs: replay.guardMs };
  return { ...verdictOnly, job: verified, startOptions, recheck };
}

type Judged = { readonly ok: true; readonly verified: VerifiedJob; readonly warning?: string } | Refusal;

function judge(job: Job, unknownFields: readonly string[], trust: Trust, policy: FullPolicy): Judged {
  const verdict = trust.check(job, unknownFields, policy.now());
  if (!verdict.ok) return { ok: false, outcome: failed(verdict.reason, verdict.message) };
  const { warning, signers, allowedActions, envUnsafe, notAfterMs, replay } = verdict;
  const timeoutMs = (job.timeoutSeconds ?? policy.defaultTimeoutSeconds) * 1000;
  const trusted = { signers, allowedActions, envUnsafe, notAfterMs, replay, timeoutMs };
  // The one cast that makes a VerifiedJob: everything above has to be passed to get here. The job is ours, fresh from its
  // decoding; a copy of it, field by field, would cost more than all that was done to it but the signature check.
  const verified = Object.assign(job, trusted) as Job as VerifiedJob;
  const refused = policy.alsoCheck?.(verified);
  if (refused !== undefined) return { ok: false, outcome: refused };
  return { ok: true, verified, ...(warning === undefined ? {} : { warning }) };
}
