/** Sends one request and shows what became of it: the part that `submit` and `retry` share. */
import { randomUUID } from "node:crypto";
import { ClientError, type Job, type JobRequest, type Submitted } from "@herorunner/job";
import { awaitJob } from "./await-job.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import type { Session } from "./session.ts";
import { jsonLine } from "./visible.ts";

export interface Submission extends Showing {
  readonly request: JobRequest;
  readonly sign: ((job: Job) => Promise<Job>) | undefined;
}

interface Showing {
  readonly config: {
    readonly wait: boolean;
    readonly follow: boolean;
    readonly waitTimeoutMs: number | undefined;
    readonly json: boolean;
    readonly raw: boolean;
  };
  /** Members for the JSON form. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Prints the id alone, so that a script can keep it; or waits and shows the end. */
export async function submitRequest(submission: Submission, session: Session): Promise<ExitCode> {
  const { sign, config } = submission;
  // The id is known before the answer is, and named when there is none.
  const request = { ...submission.request, id: submission.request.id ?? randomUUID() };
  // Between the job's being there and the wait for it, Ctrl-C already means the wait.
  if (config.wait || config.follow) session.shell.holdInterrupts();
  const submitted = await session.api
    .submit(request, sign === undefined ? {} : { sign })
    .catch((error: unknown) => tellDoubt(error, request, session));
  return showSubmitted(submitted, submission, session);
}

/** What was sent may have arrived, unless it was refused: without an answer nobody knows. */
async function tellDoubt(
  error: unknown,
  { id, runner }: { readonly id: string; readonly runner: string },
  { shell, words }: Session,
): Promise<never> {
  if (error instanceof ClientError && error.code === "UNAVAILABLE" && !error.refused) {
    await shell.stderr.write(
      `herojob: it is not known whether job ${id} was stored; see with: herojob status ${id} --runner ${runner}${words}\n`,
    );
  }
  throw error;
}

export async function showSubmitted(
  { id, runner, outcome, status }: Submitted,
  { config, extra = {} }: Showing,
  session: Session,
): Promise<ExitCode> {
  const { shell, words } = session;
  if (outcome === "exists") {
    await shell.stderr.write(`herojob: job ${id} was submitted before and is ${status}\n`);
  }
  if (config.wait || config.follow) {
    const { follow, waitTimeoutMs: timeoutMs, json, raw } = config;
    return awaitJob({ id, runner, follow, timeoutMs, json, raw, extra: { outcome, ...extra } }, session);
  }
  await shell.stdout.write(config.json ? jsonLine({ id, runner, outcome, status, ...extra }) : `${id}\n`);
  if (shell.stderr.isTerminal && !config.json && outcome === "created") {
    await shell.stderr.write(
      `${status} for ${runner}; see it end with: herojob wait ${id} --runner ${runner}${words}\n`,
    );
  }
  return exitCodes.done;
}
