/** Jobs, the half that only looks: get, status, result, logs, list. */
import { idPattern } from "@herorunner/job";
import { z } from "zod";
import { exampleJob } from "./job-methods.ts";
import { method } from "./method.ts";
import {
  jobId,
  jobReason,
  jobResultView,
  jobRunner,
  jobStatus,
  jobStatusView,
  jobSummary,
  jobView,
  logEntry,
  runnerId,
} from "./schemas.ts";

const locator = z.strictObject({ id: jobId, runner: jobRunner });
const { payload: _payload, result: _result, stderr: _stderr, ...exampleSummary } = exampleJob;

export const jobReadingMethods = {
  "job.get": method({
    summary: "A job with everything that is known of it",
    scope: "jobs:read",
    params: locator,
    result: jobView,
    errors: ["not_found"],
    example: { params: { id: "42" }, result: exampleJob },
    handle: ({ id, runner }, { services }) => services.jobs.get(id, runner),
  }),
  "job.status": method({
    summary: "The state of a job",
    scope: "jobs:read",
    params: locator,
    result: jobStatusView,
    errors: ["not_found"],
    example: { params: { id: "42" }, result: { id: "42", status: "error", reason: "timeout" } },
    handle: async ({ id, runner }, { services }) => {
      const { status, reason } = await services.jobs.get(id, runner);
      return { id, status, ...(reason === undefined ? {} : { reason }) };
    },
  }),
  "job.result": method({
    summary: "What came out of a job",
    scope: "jobs:read",
    params: locator,
    result: jobResultView,
    errors: ["not_found"],
    example: {
      params: { id: "42" },
      result: { id: "42", status: "finished", result: "hello\n", stderr: "", exit_code: 0 },
    },
    handle: async ({ id, runner }, { services }) =>
      jobResultView.strip().parse(await services.jobs.get(id, runner)),
  }),
  "job.logs": method({
    summary: "Live output of a job, as far as it has come",
    description:
      "Ask again with `after` set to `next` until `final` is true. Entries are never given twice and never left out, except when the log outgrew its limits (10 000 entries, 4 MiB): then `offset` jumps. To be told as it happens use `GET /jobs/<id>/log`.",
    scope: "jobs:read",
    params: z.strictObject({
      id: jobId,
      after: z.int().min(0).describe("Only entries with a `seq` above this; 0 unless given.").optional(),
      limit: z.int().min(1).max(1000).describe("Most entries; 500 unless given.").optional(),
      runner: jobRunner,
    }),
    result: z.strictObject({
      entries: z.array(logEntry),
      next: z.int().min(0).describe("`after` of the next call."),
      final: z.boolean().describe("The job is final and this was the end of its log."),
    }),
    errors: ["not_found"],
    example: {
      params: { id: "42", after: 0 },
      result: {
        entries: [{ seq: 1, stream: "out", offset: 0, data: "hello\n", time: 1_767_225_600_068 }],
        next: 1,
        final: true,
      },
    },
    handle: ({ id, runner, after, limit }, { services }) =>
      services.jobs.logs(id, runner, { after: after ?? 0, limit: limit ?? 500 }),
  }),
  "job.list": method({
    summary: "Jobs, newest first, page by page",
    description:
      "Covers the newest 10 000 jobs of each registered runner. A call looks at a bounded number of jobs, so that with filters a page may hold fewer than `limit` jobs, even none, and still have a `next_cursor`; only null says that this was the last.",
    scope: "jobs:read",
    params: z.strictObject({
      runner: runnerId.optional(),
      status: jobStatus.optional(),
      reason: jobReason.optional(),
      caller_id: z.string().regex(idPattern).optional(),
      since: z
        .int()
        .min(0)
        .describe("Only jobs queued (or first seen) at this time or later, ms since 1970.")
        .optional(),
      limit: z.int().min(1).max(1000).describe("Most jobs; 50 unless given.").optional(),
      cursor: z.string().max(1024).describe("`next_cursor` of the page before.").optional(),
    }),
    result: z.strictObject({ jobs: z.array(jobSummary), next_cursor: z.string().nullable() }),
    errors: [],
    example: {
      params: { runner: "my-hero-runner", status: "finished", limit: 1 },
      result: { jobs: [exampleSummary], next_cursor: "MTc2NzIyNTYwMDAwMC9teS1oZXJvLXJ1bm5lci80Mg" },
    },
    handle: (filter, { services }) => services.jobs.list(filter),
  }),
};
