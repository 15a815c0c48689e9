/**
 * What a client of jobs can do, wherever the jobs are: JobClient does it over Redis, SupervisorClient over HTTP.
 * `test/conformance/job-client.ts` is the meaning of this interface in executable form; both pass it.
 *
 * Every call rejects with ClientError; match on its `code`. Ids and runner ids match `[A-Za-z0-9._-]{1,128}`.
 */
import type { Job, JobStatus, JobView } from "./job.ts";
import type { LogLine } from "./log-reader.ts";
import type { JobReason } from "./outcome.ts";
import type { JobRequest } from "./request.ts";

export interface Submitted {
  readonly id: string;
  readonly runner: string;
  /** `exists`: the same content was submitted under this id before. Nothing was changed, but that a job is queued now which was only created. */
  readonly outcome: "created" | "exists";
  readonly status: JobStatus;
}

export interface SubmitOptions {
  /** `create` stores the job without queueing it; see start(). Default `queue`. */
  readonly mode?: "queue" | "create";
  /** Gets the complete job, returns it with its signatures. */
  readonly sign?: (job: Job) => Job | Promise<Job>;
}

/** Which job. The runner may be left out when the job was submitted through an SDK in the last day. */
export interface JobLocator {
  readonly runner?: string;
}

export interface WaitOptions extends JobLocator {
  /** Ends the wait, not the job. Default: none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Told of the job as it is at first, and again whenever another status is seen. Short-lived states may be missed. */
  readonly onStatus?: (job: JobView) => void;
}

export interface LogOptions extends JobLocator {
  /** Only what came after the line with this `seq`. */
  readonly afterSeq?: number;
  /** Default true: go on until the job is final. False: end after what is there now. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface ListFilter {
  readonly runner?: string;
  readonly status?: JobStatus;
  readonly reason?: JobReason;
  readonly callerId?: string;
  /** Only jobs queued at this time or later; ms since 1970. */
  readonly sinceMs?: number;
  /** 1 to 1000, default 50. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** A job in a list: everything but what can be long. */
export type JobSummary = Omit<JobView, "payload" | "result" | "stderr">;

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly JobSummary[];
  readonly nextCursor: string | null;
}

/** How a runner id is served right now. */
export interface RunnerState {
  readonly runner: string;
  /** At least one process serves this id. */
  readonly alive: boolean;
  readonly paused: boolean;
  readonly queued: number;
  readonly running: number;
}

export interface JobApi extends AsyncDisposable {
  /** Stores the job and queues it. Throws INVALID_JOB (names the field) or CONFLICT (id taken by another job). */
  submit(request: JobRequest, options?: SubmitOptions): Promise<Submitted>;
  /** Queues a job that was submitted with mode `create`. Throws CONFLICT when it is in another state. */
  start(id: string, locator?: JobLocator): Promise<void>;
  /** The job as it is now. Throws NOT_FOUND. */
  get(id: string, locator?: JobLocator): Promise<JobView>;
  status(id: string, locator?: JobLocator): Promise<Pick<JobView, "id" | "status" | "reason">>;
  /** Resolves with the job when it is final. Throws WAIT_TIMEOUT; rejects with the signal's reason on abort. */
  wait(id: string, options?: WaitOptions): Promise<JobView>;
  /**
   * Live output, every line once and in order. A jump in `offset` means that bytes were left out. Throws NOT_FOUND, also
   * when the job is deleted meanwhile.
   */
  logs(id: string, options?: LogOptions): AsyncGenerator<LogLine, void, undefined>;
  /** `cancelled`: it had not started and is final now. `requested`: its runner was told. `final`: too late. */
  cancel(id: string, locator?: JobLocator): Promise<"cancelled" | "requested" | "final">;
  list(filter?: ListFilter): Promise<JobPage>;
  /** How a runner id is served. A runner that nobody ever heard of is not alive and has no jobs. */
  runner(id: string): Promise<RunnerState>;
  /**
   * The job as it was asked for, variables and signatures included, to submit it again. Throws INVALID_JOB when what is
   * stored is not a job, DENIED where the values of its variables are not shown.
   */
  request(id: string, locator?: JobLocator): Promise<Job>;
  /**
   * Submits a final job again under a new id, with its variables, also where their values are not shown. Throws CONFLICT
   * when it is not final, or signed: only its signers can repeat it.
   */
  retry(id: string, locator?: JobLocator): Promise<Submitted>;
  /** Ends all connections; calls under way reject. */
  close(): void;
}
