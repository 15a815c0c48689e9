/** Jobs, the half that changes something: create, start, run, cancel, delete, retry. */
import { z } from "zod";
import { afterSubmit } from "./errors.ts";
import { method } from "./method.ts";
import {
  jobId,
  jobRequestShape,
  jobRunner,
  jobStatus,
  jobView,
  jobViewShape,
  runnerId,
  type JobViewWire,
} from "./schemas.ts";

const outcome = z
  .enum(["created", "exists"])
  .describe("`exists`: the same content was stored under this id before.");
const locator = z.strictObject({ id: jobId, runner: jobRunner });
const maxWaitSeconds = 300;

/** A finished job, for examples. */
export const exampleJob: JobViewWire = {
  id: "42",
  runner: "my-hero-runner",
  status: "finished",
  exit_code: 0,
  attempt: 1,
  caller_id: "alice",
  timeout: 60,
  max_attempts: 1,
  created_at: 1_767_225_600,
  queued_at: 1_767_225_600_000,
  dispatched_at: 1_767_225_600_004,
  started_at: 1_767_225_600_006,
  finished_at: 1_767_225_600_071,
  duration_ms: 63,
  stdout_bytes: 6,
  stderr_bytes: 0,
  dropped_bytes: 0,
  isolation: "cgroup",
  env_names: [],
  result: "hello\n",
  stderr: "",
  payload: 'print("hello")',
};
const exampleRequest = { runner: "my-hero-runner", payload: 'print("hello")', id: "42", caller_id: "alice" };
const { result: _result, exit_code: _exitCode, ...waiting } = exampleJob;

export const jobMethods = {
  "job.create": method({
    summary: "Store a job without queueing it",
    description:
      "Safe to repeat with the same id: the same content answers `exists`, other content is a conflict. The runner must be registered, or alive.",
    scope: "jobs:write",
    params: z.strictObject(jobRequestShape),
    result: z.strictObject({ id: jobId, runner: runnerId, outcome, status: jobStatus }),
    errors: ["conflict", "not_found"],
    example: {
      params: exampleRequest,
      result: { id: "42", runner: "my-hero-runner", outcome: "created", status: "created" },
    },
    handle: (params, { services, traceparent }) => services.jobs.create(params, "create", traceparent),
  }),
  "job.start": method({
    summary: "Queue a job that was created",
    scope: "jobs:write",
    params: locator,
    result: jobView,
    errors: ["not_found", "not_allowed"],
    example: { params: { id: "42" }, result: { ...waiting, status: "queued", attempt: 0 } },
    handle: ({ id, runner }, { services }) => services.jobs.start(id, runner),
  }),
  "job.run": method({
    summary: "Create and queue a job, and wait for its end when asked to",
    description:
      "With `wait` the answer comes when the job is final or the time is up, whichever is first; look at `status`. The job goes on when the caller does not wait for it. While Redis is away the wait goes on; an error after the job was submitted has its `id` and `runner` in `data`. Safe to repeat with the same id; a job that was only created is queued by it.",
    scope: "jobs:write",
    params: z.strictObject({
      ...jobRequestShape,
      wait: z
        .number()
        .min(0)
        .max(maxWaitSeconds)
        .describe("Seconds to wait for the end. All calls of a batch share 300 s.")
        .optional(),
    }),
    result: z.strictObject({ outcome, ...jobViewShape }),
    errors: ["conflict", "not_found"],
    example: {
      params: { ...exampleRequest, wait: 30 },
      result: { outcome: "created", ...exampleJob },
    },
    handle: async ({ wait, ...request }, call) => {
      const { id, runner, outcome } = await call.services.jobs.create(request, "queue", call.traceparent);
      const waitMs = Math.min((wait ?? 0) * 1000, call.waitUntilMs - performance.now());
      const { jobs } = call.services;
      const { signal } = call.patience;
      const looking = waitMs > 0 ? jobs.viewWhenFinal(id, runner, { waitMs, signal }) : jobs.get(id, runner);
      const job = await looking.catch((error: unknown) => Promise.reject(afterSubmit(error, { id, runner })));
      return { outcome, ...job };
    },
  }),
  "job.cancel": method({
    summary: "End a job, whatever state it is in",
    description:
      "A job that waits is final at once. One that runs is ended by its runner, within seconds; the answer shows it as it still is. A final job stays as it is.",
    scope: "jobs:write",
    params: locator,
    result: jobView,
    errors: ["not_found"],
    example: {
      params: { id: "42" },
      result: {
        ...waiting,
        status: "error",
        reason: "cancelled",
        error: "cancelled before it was started",
        attempt: 0,
      },
    },
    handle: ({ id, runner }, { services }) => services.jobs.cancel(id, runner),
  }),
  "job.delete": method({
    summary: "Remove a job with its output, unless a runner has it",
    scope: "admin",
    params: locator,
    result: z.strictObject({ deleted: z.boolean().describe("False when there was nothing to delete.") }),
    errors: ["conflict"],
    example: { params: { id: "42" }, result: { deleted: true } },
    handle: async ({ id, runner }, { services }) => ({ deleted: await services.jobs.remove(id, runner) }),
  }),
  "job.retry": method({
    summary: "Submit a final job again, under a new id",
    description:
      "The supervisor copies everything that was asked for, the values of variables too, which it shows to nobody; so nothing of it can be changed on the way. Nobody but its signers can repeat a signed job: that is refused with `data.reason` `signed`, and `data.command` is the command that submits it with a new signature.",
    scope: "jobs:write",
    params: locator,
    result: z.strictObject({ id: jobId, retry_of: jobId, status: jobStatus }),
    errors: ["not_found", "not_allowed"],
    example: {
      params: { id: "42" },
      result: { id: "0b7d9c1e-8f53-4f0e-9a53-2f3b8f7f9f11", retry_of: "42", status: "queued" },
    },
    handle: ({ id, runner }, { services, traceparent }) => services.jobs.retry(id, runner, traceparent),
  }),
};
