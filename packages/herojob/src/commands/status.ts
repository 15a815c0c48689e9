/** `status` and `result`: a job as it is now. */
import { isFinal, wireView } from "@herorunner/job";
import type { AwaitConfig } from "../common-options.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { OneJobConfig } from "../options.ts";
import { endCode, showEnding } from "../ending.ts";
import { locatorOf, type Session } from "../session.ts";
import { jsonLine } from "../visible.ts";

/** One line: the status, and the reason where there is one. With --json the whole job view. */
export async function status(config: OneJobConfig, { api, shell }: Session): Promise<ExitCode> {
  const job = await api.get(config.id, locatorOf(config));
  const { status, reason } = job;
  const line = reason === undefined ? `${status}\n` : `${status} ${reason}\n`;
  await shell.stdout.write(config.json ? jsonLine(wireView(job)) : line);
  return exitCodes.done;
}

/** What the job wrote, exactly; the exit code is the job's. */
export async function result(
  config: OneJobConfig & AwaitConfig,
  { api, shell, words }: Session,
): Promise<ExitCode> {
  const job = await api.get(config.id, locatorOf(config));
  if (config.json) {
    const { id, status, reason, result, stderr, error, exit_code } = wireView(job);
    await shell.stdout.write(jsonLine({ id, status, reason, result, stderr, error, exit_code }));
  }
  if (!isFinal(job.status)) {
    const next = `herojob wait ${job.id} --runner ${job.runner}${words}`;
    await shell.stderr.write(
      `herojob: job ${job.id} is ${job.status} and has no result yet; wait for it with: ${next}\n`,
    );
    return exitCodes.conflict;
  }
  if (!config.json) await showEnding(job, { shell, raw: config.raw });
  return endCode(job);
}
