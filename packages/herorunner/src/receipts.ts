/** Receipts: every outcome of this runner, signed with its own key (`--receipt-key`). */
import type { Claim } from "@herorunner/job";
import { KeyFileError, loadKeyFile, receiptStatement, signReceipt } from "@herorunner/job/trust";
import type { SignReceipt } from "@herorunner/runner";
import { StartRefused } from "./start-refused.ts";

/** Throws StartRefused when the key file cannot be used. */
export async function openReceipts(keyFile: string): Promise<SignReceipt> {
  const key = await loadKeyFile(keyFile).catch((error: unknown) => {
    throw error instanceof KeyFileError ? new StartRefused(`--receipt-key: ${error.message}`) : error;
  });
  return (job, { claim, outcome, endedAtMs }) => {
    const startedAtMs = endedAtMs - (outcome.facts?.durationMs ?? 0);
    const facts = {
      outcome,
      attempt: attemptOf(claim),
      startedAtMs,
      finishedAtMs: endedAtMs,
      signers: job.signers,
    };
    return signReceipt(receiptStatement(job, facts), key);
  };
}

/** The attempt that this claim was: one more than the record said when it was claimed. */
function attemptOf(claim: Claim): number {
  const text = Buffer.from(claim.fields.get("attempt") ?? []).toString();
  return (/^\d{1,4}$/.test(text) ? Number(text) : 0) + 1;
}
