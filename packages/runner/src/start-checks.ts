/** What may still refuse a job that was admitted, at the moment in which it is to start. */
import { type ErrorOutcome, failed, type VerifiedJob } from "@herorunner/job";
import type { Admission } from "./admit.ts";
import type { RunningHost } from "./host.ts";

type Admitted = Extract<Admission, { ok: true }>;

/**
 * The last look before a process exists. The journal is asked after the queue has marked the job as started: a job that
 * was given back, or whose runner died before that mark, has not used up its start.
 */
export async function refusedAtStart(
  admission: Admitted,
  host: RunningHost,
): Promise<ErrorOutcome | undefined> {
  const { job } = admission;
  try {
    if (job.replay !== undefined && !(await host.journal.accept(job.replay))) return replayed(job);
  } catch (error) {
    host.logger.error({ id: job.id, error }, "the replay journal cannot be written");
    return failed(
      "internal",
      "the runner cannot record the start on its own disk, so nothing was run; see its log",
    );
  }
  // Between admission and here the queue may have been away for long.
  const refused = refusedByNewTrust(admission, host);
  if (refused !== undefined) return refused;
  if (job.notAfterMs !== undefined && host.clock.now() > job.notAfterMs) {
    return failed("expired", "expires_at passed while the job waited to be started; submit it again");
  }
  return undefined;
}

function refusedByNewTrust({ job, recheck }: Admitted, host: RunningHost): ErrorOutcome | undefined {
  try {
    return recheck?.();
  } catch (error) {
    host.logger.error({ id: job.id, error }, "the runner's own admission failed");
    return failed("internal", "the runner failed while checking the job, nothing was run; see its log");
  }
}

/** Its signatures were used up before. */
export function replayed(job: VerifiedJob): ErrorOutcome {
  return failed(
    "replayed",
    `a signed job with id ${job.id} was started before; sign it again under a new id to run it again`,
  );
}
