/** What the log says about jobs: fixed phrases, everything variable as a field, never a payload or a value of env_vars. */
import type { Logger } from "@herorunner/daemon";
import type { ReclaimAnswer } from "@herorunner/job";
import type { RunnerEvent } from "@herorunner/runner";

export function logEvent(event: RunnerEvent, logger: Logger): void {
  switch (event.kind) {
    case "waiting":
    case "renewed":
      return;
    case "log_dropped":
      return logger.debug({ id: event.jobId, bytes: event.bytes }, "live output left out");
    case "admitted": {
      const { claim, admission } = event;
      if (admission.ok && admission.warning !== undefined)
        logger.error({ id: claim.jobId }, admission.warning);
      logger.debug({ id: claim.jobId, claims: claim.claims, admitted: admission.ok }, "job claimed");
      return;
    }
    case "rejudged": {
      const { claim, verdict } = event;
      if (verdict.ok && verdict.warning !== undefined) logger.error({ id: claim.jobId }, verdict.warning);
      return logger.debug(
        { id: claim.jobId, admitted: verdict.ok },
        "job judged again, by the trust file of now",
      );
    }
    case "started": {
      const { job } = event;
      const by = job.callerId === "" ? {} : { caller: job.callerId };
      const signed = job.signers.length === 0 ? {} : { signers: job.signers.join(",") };
      return logger.info({ id: job.id, ...by, ...signed, timeout_s: job.timeoutMs / 1000 }, "job started");
    }
    case "settled": {
      const { claim, outcome } = event;
      const duration =
        outcome.facts?.durationMs === undefined ? {} : { duration_ms: Math.round(outcome.facts.durationMs) };
      if (outcome.kind === "finished") return logger.info({ id: claim.jobId, ...duration }, "job finished");
      const exit = outcome.exitCode === undefined ? {} : { exit_code: outcome.exitCode };
      return logger.info(
        { id: claim.jobId, reason: outcome.reason, ...exit, ...duration, error: outcome.message },
        "job failed",
      );
    }
    case "lost":
      return logger.error(
        { id: event.claim.jobId },
        "the claim moved on to somebody else; nothing was stored for it here",
      );
    case "unsettled":
      return logger.error(
        { id: event.claim.jobId },
        "the queue could not be reached before the end; the job's lease will run out",
      );
    case "released":
      return logger.info({ id: event.claim.jobId }, "job given back, it had not started");
    case "reclaimed":
      return logReclaimed(event, "took over a job whose runner is gone", logger);
  }
}

/** A job whose runner is gone, found in whatever way. One that takes its runners down is trouble of its own. */
export function logReclaimed(
  { jobId: id, answer }: { readonly jobId: string; readonly answer: ReclaimAnswer },
  found: string,
  logger: Logger,
): void {
  if (answer !== "poisoned") return logger.info({ id, answer }, found);
  logger.error({ id, answer }, `${found}; too many were lost with it, so it ended as poisoned`);
}

/** Ids that never became a claim, and what that means to an operator. */
export function logPutAside(
  { jobId, why }: { readonly jobId: string; readonly why: string },
  logger: Logger,
): void {
  if (why === "cancelled") return logger.info({ id: jobId }, "job cancelled before it was started");
  // Pushed twice, or again after its end: nothing is lost.
  if (why === "final" || why === "duplicate" || why === "gone") {
    return logger.debug({ id: jobId, why }, "an id was in the queue once too often");
  }
  logger.error({ id: jobId, why }, "an id in the queue could not become a job");
}
