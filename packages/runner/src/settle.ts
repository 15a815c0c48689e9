/** The end of a job: its outcome is stored, once, however long that takes, and told. */
import type { Claim, JobOutcome, SettleDetails, VerifiedJob } from "@herorunner/job";
import type { Admission } from "./admit.ts";
import type { RunningHost } from "./host.ts";

export async function settle(
  claim: Claim,
  outcome: JobOutcome,
  admission: Admission,
  host: RunningHost,
): Promise<void> {
  const details = admission.ok ? await detailsOf(claim, outcome, admission.job, host) : {};
  const answer = await host.patience.until(
    "settle",
    () => host.queue.settle(claim, outcome, details),
    host.givingUp,
  );
  host.tell({ kind: answer ?? "unsettled", claim, outcome });
}

/** What is stored beside an outcome: who signed the job, and the runner's own signature under how it ended. */
async function detailsOf(
  claim: Claim,
  outcome: JobOutcome,
  job: VerifiedJob,
  host: RunningHost,
): Promise<SettleDetails> {
  const { signers } = job;
  if (host.signReceipt === undefined) return { signers };
  try {
    const endedAtMs = host.clock.now();
    return { signers, receipt: await host.signReceipt(job, { claim, outcome, endedAtMs }) };
  } catch (error) {
    host.logger.error(
      { id: job.id, error },
      "the receipt could not be signed, the outcome is stored without it",
    );
    return { signers };
  }
}
