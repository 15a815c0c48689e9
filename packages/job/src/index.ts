/** The public names of @herorunner/job, listed one by one. A test pins the list. */
export { JobClient } from "./client.ts";
export type { ClientOptions } from "./client.ts";
export { decodeJob, encodeJob } from "./codec.ts";
export type { Decoded, DecodeLimits } from "./codec.ts";
export { withDeadline } from "./deadline.ts";
export { ClientError, QueueError } from "./errors.ts";
export type { ClientErrorCode, QueueErrorCode } from "./errors.ts";
export {
  clientFields,
  envLimits,
  envNamePattern,
  envProblem,
  maxAttemptsRange,
  systemFields,
  timeoutSecondsRange,
} from "./fields.ts";
export type {
  JobApi,
  JobLocator,
  JobPage,
  JobSummary,
  ListFilter,
  LogOptions,
  RunnerState,
  SubmitOptions,
  Submitted,
  WaitOptions,
} from "./job-api.ts";
export { readJob, readJobFields, readLogEntries, readRunner, removeJob } from "./inspect.ts";
export type { InstanceView, RunnerView } from "./inspect.ts";
export { isFinal, jobStatuses } from "./job.ts";
export type { Job, JobSignature, JobStatus, JobView, ReplayGuard, VerifiedJob } from "./job.ts";
export {
  apiKeysKeys,
  defaultKeyPrefix,
  idPattern,
  indexKey,
  keysOf,
  registryKey,
  sessionKey,
} from "./keys.ts";
export type { RunnerKeys } from "./keys.ts";
export { listJobs } from "./list-jobs.ts";
export type { JobListFilter, ListedJob, ListedPage, ListSource } from "./list-jobs.ts";
export { openSession } from "./lua/open-session.ts";
export { replaceEntry } from "./lua/replace-entry.ts";
export { followLog } from "./log-reader.ts";
export type { LogLine } from "./log-reader.ts";
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
  ClaimOptions,
  ClaimProof,
  ControlHandlers,
  InstanceReport,
  JobQueue,
  LogEntry,
  OverdueLease,
  OverdueLook,
  Presence,
  RawFields,
  ReclaimAnswer,
  RenewAnswer,
  SettleDetails,
  StartAnswer,
  StartOptions,
} from "./queue.ts";
export { readQueueFigures, WaitingAge } from "./queue-figures.ts";
export type { QueueFigures } from "./queue-figures.ts";
export { reasonGuide } from "./reason-guide.ts";
export type { ReasonActor, ReasonGuide } from "./reason-guide.ts";
export { viewJob, wireView } from "./record.ts";
export { openConnection } from "./redis/connection.ts";
export type { ConnectionOptions, RedisConnection, Reply } from "./redis/connection.ts";
export { ConnectionPool } from "./redis/pool.ts";
export type { Commands, PoolOptions } from "./redis/pool.ts";
export { isLoopbackTarget, maskRedisUrl, parseRedisUrl } from "./redis/redis-url.ts";
export type { RedisTarget } from "./redis/redis-url.ts";
export { checkServer } from "./redis/server-check.ts";
export { addCounts, percentileMs, readStats } from "./stats.ts";
export type { EndingCounts, EndingPeriod, RunnerStats, TimeCounts } from "./stats.ts";
export type { ServerFinding } from "./redis/server-check.ts";
export { RedisPresence } from "./redis-presence.ts";
export { RedisJobQueue } from "./redis-queue.ts";
export type { RedisQueueOptions } from "./redis-queue.ts";
export { checkRequest } from "./request.ts";
export type { JobRequest } from "./request.ts";
export { afterRunning } from "./running-time.ts";
export { isJsonObject, parseStrictJson } from "./strict-json.ts";
export type { JsonObject, JsonValue, StrictJson } from "./strict-json.ts";
export { SupervisorClient } from "./supervisor-client.ts";
export { TokenMaker } from "./token-maker.ts";
export { wireJob } from "./wire-job.ts";
export { readWireView } from "./wire-view.ts";
