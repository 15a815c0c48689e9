/** The end of a job: its outcome is stored, once, however long that takes, and told. */
import type { Claim, JobOutcome, LogEntry, SettleDetails, VerifiedJob } from "@herorunner/job";
import type { Admission } from "./admit.ts";
import type { RunningHost } from "./host.ts";
import type { Slot } from "./slots.ts";

export interface Ending {
  readonly claim: Claim;
  readonly admission: Admission;
  readonly outcome: JobOutcome;
  /** Live output that was not sent yet. */
  readonly log: readonly LogEntry[];
  /** Offered as soon as the outcome is on its way, so that the next job is asked for in the same breath. */
  readonly slot: Slot;
}

export async function settle(
  { claim, admission, outcome, log, slot }: Ending,
  host: RunningHost,
): Promise<void> {
  const details = admission.ok ? await detailsOf(claim, outcome, admission.job, host) : {};
  const send = async (): Promise<"settled" | "lost"> => {
    const settling = host.queue.settle(claim, outcome, { ...details, log });
    slot.offer();
    try {
      return await settling;
    } catch (error) {
      slot.takeBack(); // or jobs would be taken without end while their outcomes cannot be stored
      throw error;
    }
  };
  const answer = await host.patience.until("settle", send, host.givingUp);
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
