/**
 * What a runner is. Write `processJob`, name the type, and defineRunner() adds `spawn`, which turns it into a live
 * process: it takes jobs, keeps their leases, finds those of dead runners and stops in two steps.
 */
import {
  type Claim,
  isJobReason,
  type JobOutcome,
  type QueueErrorCode,
  type VerifiedJob,
} from "@herorunner/job";
import type { RunnerHost } from "./host.ts";
import type { Clock, Logger } from "./ports.ts";
import { spawnRunner } from "./spawn.ts";

export interface JobContext {
  /** Aborts when the job must stop; `signal.reason` is "cancelled", "shutdown" or "lost". */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Knows the job's id. */
  readonly logger: Logger;
  readonly claim: Claim;
  /** Shows output while the job runs. `offset` counts bytes of the stream. Costs nothing to call often. */
  readonly log: (stream: "out" | "err", offset: number, data: string) => void;
}

export interface Runner {
  /** What kind of job it runs: compared with a job's `executor`. */
  readonly runnerType: string;
  readonly runnerId: string;
  /** Does the work and says how it ended. Throwing means a bug of the runner: the job ends as `internal`. */
  processJob(job: VerifiedJob, context: JobContext): Promise<JobOutcome>;
  /** Starts taking jobs. */
  spawn(host: RunnerHost): RunnerHandle;
}

/** A live runner. Disposing of it drains and waits. */
export interface RunnerHandle extends AsyncDisposable {
  /** Take no more jobs; what runs may end. */
  drain(): void;
  /** Stop the running jobs too; they end as `shutdown`. */
  abort(): void;
  /** Resolves when everything has ended; rejects for a bug only. */
  readonly stopped: Promise<RunnerSummary>;
  readonly health: () => RunnerHealth;
}

export interface RunnerSummary {
  readonly settled: number;
  /** Jobs that ended as `shutdown`, or whose outcome could not be stored before the runner gave up. */
  readonly aborted: number;
}

export interface RunnerHealth {
  readonly busy: number;
  readonly slots: number;
  readonly paused: boolean;
  readonly draining: boolean;
  /** What is wrong with the queue, if something is. */
  readonly trouble: string | undefined;
  readonly troubleCode: QueueErrorCode | undefined;
}

/** @example `const echo = defineRunner({ runnerType: "echo", runnerId: "echo-1", processJob: async (job) => finished(job.payload) })` */
export function defineRunner(definition: Omit<Runner, "spawn">): Runner {
  const runner: Runner = {
    runnerType: definition.runnerType,
    runnerId: definition.runnerId,
    processJob: async (job, context) => checkOutcome(await definition.processJob(job, context)),
    spawn: (host) => spawnRunner(runner, host),
  };
  return runner;
}

/** The compiler checks this already, but runners are also written without one. */
function checkOutcome(outcome: JobOutcome): JobOutcome {
  const given = outcome as { readonly kind?: unknown; readonly reason?: unknown } | undefined;
  const kind = given?.kind;
  if (kind === "error" && !isJobReason(String(given?.reason)))
    throw new TypeError(
      `processJob() answered with the reason "${String(given?.reason)}", which is not one of the closed list`,
    );
  if (kind === "finished" || kind === "error") return outcome;
  throw new TypeError("processJob() did not answer with an outcome; end it with finished(…) or failed(…)");
}
