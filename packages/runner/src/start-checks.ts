/** What may still refuse a job that was admitted, at the moment in which it is to start. */
import { type Claim, type ErrorOutcome, failed, type ReplayGuard, type VerifiedJob } from "@herorunner/job";
import type { Admission, Refusal, Verdict } from "./admit.ts";
import type { RunningHost } from "./host.ts";

type Admitted = Extract<Admission, { ok: true }>;

/**
 * The last look before a process exists. The journal is asked after the queue has marked the job as started: a job that
 * was given back, or whose runner died before that mark, has not used up its start. A Refusal takes the admission back.
 */
export async function refusedAtStart(
  claim: Claim,
  admission: Admitted,
  host: RunningHost,
): Promise<ErrorOutcome | Refusal | undefined> {
  const { job } = admission;
  let accepted: ReplayGuard | undefined;
  for (;;) {
    // Between admission and here the queue may have been away for long; and so may the disk, once it was asked.
    const refusal = refusedByNewTrust(claim, admission, host);
    if (refusal !== undefined) return refusal;
    const { replay } = job;
    if (replay === undefined || covers(accepted, replay)) break;
    if (startedTooOften(claim, admission, replay)) return replayed(job);
    try {
      if (!(await host.journal.accept(replay))) return replayed(job);
    } catch (error) {
      host.logger.error({ id: job.id, error }, "the replay journal cannot be written");
      return failed(
        "internal",
        "the runner cannot record the start on its own disk, so nothing was run; see its log",
      );
    }
    accepted = replay;
  }
  if (job.notAfterMs !== undefined && host.clock.now() > job.notAfterMs) {
    return failed("expired", "expires_at passed while the job waited to be started; submit it again");
  }
  return undefined;
}

/** The journal would count the same start twice. */
function covers(accepted: ReplayGuard | undefined, { digest, untilMs, maxStarts }: ReplayGuard): boolean {
  return accepted?.digest === digest && accepted.untilMs === untilMs && accepted.maxStarts <= maxStarts;
}

/**
 * The queue counted this start against what the trust at admission allowed, or not at all for a job that was unsigned to
 * it, and cannot be asked again. Where less is allowed now, the starts in the job's own hash are held against it; whoever
 * can write that hash is held up by the journal.
 */
function startedTooOften(claim: Claim, { startOptions }: Admitted, { maxStarts }: ReplayGuard): boolean {
  if ((startOptions.maxStarts ?? Infinity) <= maxStarts) return false;
  const before = Buffer.from(claim.fields.get("attempt")?.subarray(0, 8) ?? []).toString("latin1");
  return /^\d{1,7}$/.test(before) && Number(before) >= maxStarts;
}

function refusedByNewTrust(claim: Claim, admission: Admitted, host: RunningHost): Refusal | undefined {
  const { job } = admission;
  const verdict = judgedAgain(admission, host);
  if (verdict === undefined) return undefined;
  host.tell({ kind: "rejudged", claim, job, verdict });
  return verdict.ok ? undefined : verdict;
}

function judgedAgain({ job, recheck }: Admitted, host: RunningHost): Verdict | undefined {
  try {
    return recheck?.();
  } catch (error) {
    host.logger.error({ id: job.id, error }, "the runner's own admission failed");
    const message = "the runner failed while checking the job, nothing was run; see its log";
    return { ok: false, outcome: failed("internal", message) };
  }
}

/** Its signatures were used up before. */
export function replayed(job: VerifiedJob): ErrorOutcome {
  return failed(
    "replayed",
    `a signed job with id ${job.id} was started before; sign it again under a new id to run it again`,
  );
}
