/** `list`: jobs, newest first, as a table or as the answer of `job.list`. */
import type { JobApi, JobPage, JobSummary, ListFilter } from "@herorunner/job";
import { wireView } from "@herorunner/job";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { ListConfig } from "../options.ts";
import type { Session } from "../session.ts";
import { shownOn } from "../shell.ts";
import { shortDuration, table } from "../text.ts";
import { jsonLine } from "../visible.ts";

export async function list(config: ListConfig, { api, shell }: Session): Promise<ExitCode> {
  const { jobs, nextCursor } = await firstFound(api, filterOf(config, shell.now()));
  if (config.json) {
    await shell.stdout.write(jsonLine({ jobs: jobs.map(wireView), next_cursor: nextCursor }));
    return exitCodes.done;
  }
  const head = ["ID", "STATUS", "REASON", "RUNNER", "CALLER", "AGE", "TOOK"];
  // Before the table is made: what is written out is wider.
  const rows = jobs.map((job) =>
    row(job, shell.now()).map((cell) => shownOn(shell.stdout, cell, false).replaceAll(/[\t\n]/g, " ")),
  );
  await shell.stdout.write(table([head, ...rows]));
  if (nextCursor !== null) await shell.stderr.write(`there are more: --cursor ${nextCursor}\n`);
  else if (jobs.length === 0 && shell.stderr.isTerminal) await shell.stderr.write("no such jobs\n");
  return exitCodes.done;
}

/** One call looks at some of the jobs only: it may have found none yet and know where to go on. */
async function firstFound(api: JobApi, filter: ListFilter): Promise<JobPage> {
  let page = await api.list(filter);
  while (page.jobs.length === 0 && page.nextCursor !== null) {
    page = await api.list({ ...filter, cursor: page.nextCursor });
  }
  return page;
}

function filterOf(config: ListConfig, nowMs: number): ListFilter {
  const { runner, status, reason, caller, sinceMs, limit, cursor } = config;
  return {
    limit,
    ...(runner === undefined ? {} : { runner }),
    ...(status === undefined ? {} : { status }),
    ...(reason === undefined ? {} : { reason }),
    ...(caller === undefined ? {} : { callerId: caller }),
    ...(sinceMs === undefined ? {} : { sinceMs: nowMs - sinceMs }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

function row(job: JobSummary, nowMs: number): string[] {
  const since =
    job.queuedAtMs ?? (job.createdAtSeconds === undefined ? undefined : job.createdAtSeconds * 1000);
  return [
    job.id,
    job.status,
    job.reason ?? "-",
    job.runner,
    job.callerId ?? "-",
    since === undefined ? "-" : shortDuration(Math.max(0, nowMs - since)),
    job.durationMs === undefined ? "-" : shortDuration(job.durationMs),
  ];
}
