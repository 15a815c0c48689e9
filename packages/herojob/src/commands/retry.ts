/** `retry`: what a stored job asked for, as a new job with a new id, signed anew when it was signed. */
import { ClientError, type Job, type JobRequest } from "@herorunner/job";
import { cosignJob, loadKeyFile } from "@herorunner/job/trust";
import type { ExitCode } from "../exit-codes.ts";
import { requestOf, withFlags } from "../job-input.ts";
import type { RetryConfig } from "../options.ts";
import { locatorOf, type Session } from "../session.ts";
import { type IsTyped, signer } from "../signing.ts";
import { showSubmitted, submitRequest } from "../submit-request.ts";
import { UsageError } from "../usage-error.ts";

export async function retry(config: RetryConfig, session: Session, isTyped: IsTyped): Promise<ExitCode> {
  const { id, key, newId } = config;
  const locator = locatorOf(config);
  const stored = await session.api.request(id, locator).catch((error: unknown) => {
    if (error instanceof ClientError && error.code === "DENIED" && isUnchanged(config)) return undefined;
    throw error;
  });
  // It has variables whose values are not shown to us: the supervisor itself copies them.
  if (stored === undefined) {
    return showSubmitted(await session.api.retry(id, locator), { config, extra: { retry_of: id } }, session);
  }
  const { signers = [] } = await session.api.get(id, locator);
  if (key === undefined && (stored.signatures.length > 0 || signers.length > 0)) {
    throw new UsageError(
      `job ${id} was signed, and a signature is good for one job; sign the new one with --key FILE`,
    );
  }
  if (id === newId) {
    throw new UsageError(`--new-id ${id} is the id of the job itself; a new job has another one`);
  }
  if (key !== undefined && !config.asStored) await insistOnOwnSignature(stored, key);
  const audience = key !== undefined && isTyped("audience") ? config.audience : undefined;
  const request = withFlags(anew(stored, audience), { ...config, id: newId });
  const sign = await signer(key, { config, isTyped, nowMs: session.shell.now() });
  return submitRequest({ request, sign, config, extra: { retry_of: id } }, session);
}

/** The new job is to be exactly the old one, unsigned and under an id of nobody's choice. */
function isUnchanged(config: RetryConfig): boolean {
  const { key, newId, timeoutMs, maxAttempts, env } = config;
  return [key, newId, timeoutMs, maxAttempts].every((one) => one === undefined) && env.length === 0;
}

/**
 * Somebody who can write the store could have put another script there; signing that would run it. Only what the same
 * key signed before is signed again without a look.
 */
async function insistOnOwnSignature(stored: Job, keyFile: string): Promise<void> {
  const key = await loadKeyFile(keyFile);
  const signed = stored.signatures.length > 0;
  // Adding a signature checks those that are there, and adds none when the key's own is among them.
  const same = signed && (await cosignJob(stored, key)).signatures.length === stored.signatures.length;
  if (same) return;
  throw new UsageError(
    `job ${stored.id} carries no signature of ${key.name}, so nothing proves that what is stored is what was asked for; ` +
      "submit it again from its script, or read it with herojob status --json and add --as-stored",
  );
}

/** Everything that belongs to one submission only is left behind, and whom it was for where it is now for another one. */
function anew(job: Job, audience = job.audience): JobRequest {
  const { id: _id, nonce: _nonce, createdAtSeconds: _from, expiresAtSeconds: _to, ...rest } = requestOf(job);
  return { ...rest, audience, signatures: [], trace: "" };
}
