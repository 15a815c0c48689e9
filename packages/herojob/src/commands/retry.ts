/** `retry`: what a stored job asked for, as a new job with a new id, signed anew when it was signed. */
import type { Job, JobRequest } from "@herorunner/job";
import type { ExitCode } from "../exit-codes.ts";
import { requestOf, withFlags } from "../job-input.ts";
import type { RetryConfig } from "../options.ts";
import { locatorOf, type Session } from "../session.ts";
import { signer } from "../signing.ts";
import { submitRequest } from "../submit-request.ts";
import { UsageError } from "../usage-error.ts";

export async function retry(config: RetryConfig, session: Session): Promise<ExitCode> {
  const locator = locatorOf(config);
  const stored = await session.api.request(config.id, locator);
  const { signers = [] } = await session.api.get(config.id, locator);
  if (config.key === undefined && (stored.signatures.length > 0 || signers.length > 0)) {
    throw new UsageError(
      `job ${config.id} was signed, and a signature is good for one job; sign the new one with --key FILE`,
    );
  }
  if (config.id === config.newId) {
    throw new UsageError(`--new-id ${config.id} is the id of the job itself; a new job has another one`);
  }
  const request = withFlags(anew(stored), { ...config, id: config.newId });
  const sign = await signer(config, session.shell.now());
  return submitRequest({ request, sign, config, extra: { retry_of: config.id } }, session);
}

/** Everything that belongs to one submission only is left behind. */
function anew(job: Job): JobRequest {
  const { id: _id, nonce: _nonce, createdAtSeconds: _from, expiresAtSeconds: _to, ...rest } = requestOf(job);
  return { ...rest, signatures: [], trace: "" };
}
