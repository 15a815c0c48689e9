/** `wait`: for a job that was submitted before. */
import { awaitJob } from "../await-job.ts";
import type { AwaitConfig } from "../common-options.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { OneJobConfig } from "../options.ts";
import { locatorOf, type Session } from "../session.ts";

export async function awaitCommand(
  config: OneJobConfig & AwaitConfig & { readonly timeoutMs: number | undefined },
  session: Session,
): Promise<ExitCode> {
  const { id, runner } = await session.api.get(config.id, locatorOf(config));
  const { timeoutMs, json, raw } = config;
  return awaitJob({ id, runner, follow: false, timeoutMs, json, raw }, session);
}
