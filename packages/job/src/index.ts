/** The public names of @herorunner/job, listed one by one. A test pins the list. */
export { ClientError, QueueError } from "./errors.ts";
export type { ClientErrorCode, QueueErrorCode } from "./errors.ts";
export { isFinal, jobStatuses } from "./job.ts";
export type { Job, JobSignature, JobStatus, JobView, VerifiedJob } from "./job.ts";
export { defaultKeyPrefix, idPattern, indexKey, keysOf, registryKey } from "./keys.ts";
export type { RunnerKeys } from "./keys.ts";
export { failed, finished, isJobReason, jobReasons } from "./outcome.ts";
export type {
  ErrorOutcome,
  ExecutionFacts,
  FoundProcess,
  JobOutcome,
  JobReason,
  KillReport,
  Output,
} from "./outcome.ts";
export type {
  Claim,
  JobQueue,
  LogEntry,
  OverdueLease,
  RawFields,
  ReclaimAnswer,
  RenewAnswer,
  SettleDetails,
  StartAnswer,
  StartOptions,
} from "./queue.ts";
