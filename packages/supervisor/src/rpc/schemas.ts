/** The shapes that methods share. Descriptions end up in the OpenRPC document and in docs/rpc.md. */
import { idPattern, jobReasons, jobStatuses, maxAttemptsRange, timeoutSecondsRange } from "@herorunner/job";
import { z } from "zod";
import { scopes } from "../auth/principal.ts";

const idRule = `must match ${idPattern.source}`;
const id = (description: string) => z.string().regex(idPattern, idRule).describe(description);

export const jobId = id("Id of the job.");
export const runnerId = id("Id of the runner.");
/** Ids of jobs are unique per runner; where two runners have a job of this id, the runner must be named. */
export const jobRunner = id(
  "Runner of the job; needed only when several runners have a job with this id.",
).optional();

export const jobStatus = z.enum(jobStatuses).describe("State of the job; `finished` and `error` are final.");
export const jobReason = z.enum(jobReasons).describe("Why the job ended as `error`; see protocol.md.");
const timeMs = (what: string) => z.int().min(0).describe(`${what}, ms since 1970, Redis time.`);
const bytes = (what: string) => z.int().min(0).describe(what);
const unixSeconds = (what: string) => z.int().min(0).describe(`${what}, unix seconds.`);

/** A Map would be exact too, but this keeps a variable called __proto__ without a copy. */
const envVars = z
  .custom<Readonly<Record<string, string>>>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((one) => typeof one === "string"),
    "must be an object of strings",
  )
  .meta({
    type: "object",
    additionalProperties: { type: "string" },
    description: "Environment variables of the job. Their values are never shown again.",
  });

const signature = z
  .strictObject({
    public_key: z.string().max(256).describe("secp256k1 point, hex."),
    signature: z.string().max(256).describe("r then s, 128 hex digits."),
  })
  .describe("One signature over the job; see security.md.");

/** What a client asks for: the client fields of protocol.md, as JSON values. */
export const jobRequestShape = {
  runner: runnerId,
  payload: z.string().min(1).describe("The script; not empty here, though a runner takes an empty one."),
  id: id("Id of the job; a random one unless given. Giving one makes the call safe to repeat.").optional(),
  timeout: z
    .int()
    .min(timeoutSecondsRange.low)
    .max(timeoutSecondsRange.high)
    .describe("Seconds; the runner's choice unless given.")
    .optional(),
  env_vars: envVars.optional(),
  caller_id: id("Who asks.").optional(),
  context_id: id("On whose behalf, or for what.").optional(),
  executor: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,64}$/)
    .describe("Type of the runner that may execute it.")
    .optional(),
  max_attempts: z
    .int()
    .min(maxAttemptsRange.low)
    .max(maxAttemptsRange.high)
    .describe("How often it may be started when its runner is lost; 1 unless given.")
    .optional(),
  trace: z.string().max(55).describe("W3C traceparent.").optional(),
  created_at: unixSeconds("When it was made").optional(),
  expires_at: unixSeconds("After this it is refused").optional(),
  audience: id("Installation that a signed job is meant for.").optional(),
  nonce: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe("32 hex digits of a signed job.")
    .optional(),
  signatures: z.array(signature).max(16).optional(),
};

const killReport = z
  .strictObject({
    reason: z.string(),
    asked_at: z.number(),
    term_at: z.number().optional(),
    kill_at: z.number().optional(),
    gone_at: z.number().optional(),
    found: z.array(z.strictObject({ pid: z.number(), ppid: z.number(), name: z.string(), via: z.string() })),
    survivors: z.array(z.number()),
  })
  .describe("What was done to end the job's processes, when that was needed.");

const summaryShape = {
  id: jobId,
  runner: runnerId,
  status: jobStatus,
  reason: jobReason.optional(),
  error: z.string().describe("One sentence for people, then the end of stderr.").optional(),
  exit_code: z.int().optional(),
  signal: z.string().describe("As `SIGKILL`.").optional(),
  attempt: z.int().describe("How often it was started."),
  caller_id: z.string().optional(),
  context_id: z.string().optional(),
  executor: z.string().optional(),
  timeout: z.int().describe("Seconds; 60 where the job leaves it to the runner."),
  max_attempts: z.int(),
  created_at: z.number().describe("The client's word, unix seconds.").optional(),
  expires_at: z.number().describe("Unix seconds.").optional(),
  queued_at: timeMs("Queued").optional(),
  dispatched_at: timeMs("Taken by a runner").optional(),
  started_at: timeMs("Process started").optional(),
  finished_at: timeMs("Final").optional(),
  duration_ms: z.number().describe("Life of the process.").optional(),
  stdout_bytes: bytes("Written to standard output, kept or not.").optional(),
  stderr_bytes: bytes("Written to standard error, kept or not.").optional(),
  dropped_bytes: bytes("Left out of `result` and `stderr`.").optional(),
  owner: z
    .string()
    .describe("The process that took it, in the form of `owner` in the runner view.")
    .optional(),
  isolation: z.string().describe("`group`, `pidns` or `cgroup`.").optional(),
  signers: z.array(z.string()).describe("Names whose signatures counted.").optional(),
  kill: killReport.optional(),
  receipt: z.string().describe("The runner's signed statement of the outcome, JSON text.").optional(),
  env_names: z.array(z.string()).describe("Names of the job's variables; values are never shown."),
};

const outputShape = {
  result: z.string().describe("Standard output.").optional(),
  stderr: z.string().describe("Standard error.").optional(),
};

export const jobViewShape = {
  ...summaryShape,
  ...outputShape,
  payload: z.string().describe("The script."),
};
export const jobView = z.strictObject(jobViewShape);
/** Without payload and output. `env_names` is empty when the variables have more than 64 KiB. */
export const jobSummary = z.strictObject(summaryShape);

export const jobStatusView = z.strictObject({ id: jobId, status: jobStatus, reason: jobReason.optional() });
export const jobResultView = z.strictObject({
  ...jobStatusView.shape,
  ...outputShape,
  error: summaryShape.error,
  exit_code: summaryShape.exit_code,
});

export const logEntry = z.strictObject({
  seq: z.int().min(1),
  stream: z.enum(["out", "err"]),
  offset: z.int().min(0).describe("Of `data` in its stream, bytes. A jump means that bytes were left out."),
  data: z.string(),
  time: timeMs("Written"),
});

export const labels = z
  .record(z.string().regex(/^[A-Za-z0-9._/-]{1,64}$/), z.string().max(256))
  .refine((given) => Object.keys(given).length <= 32, "holds more than 32 labels")
  .describe("Names and values of your own, at most 32.");

export const runnerView = z.strictObject({
  id: runnerId,
  description: z.string().optional(),
  labels: labels.optional(),
  alive: z.boolean().describe("A process that serves this id was heard of in the last 15 s."),
  paused: z.boolean(),
  queued: z.int().describe("Jobs that wait."),
  running: z.int().describe("Jobs that are taken and not final."),
  dead: z.int().describe("Ids that cannot be run."),
  instances: z.array(
    z.strictObject({
      owner: z
        .string()
        .describe("Host, boot id, PID namespace, pid, start time and a random part, joined by `:`."),
      host: z
        .string()
        .describe("`--host-id` of the runner; without it the machine id, as in /etc/machine-id there."),
      pid: z.int(),
      version: z.string(),
      slots: z.int().describe("How many jobs it runs at once."),
      busy: z.int(),
      isolation: z.string(),
      signatures: z.string().describe("What it does with signatures: `required`, `warn` or `off`."),
      last_poll_ms: z.int().describe("How long ago its queue last answered it.").optional(),
    }),
  ),
});

export const scopeList = z
  .array(z.enum(scopes))
  .min(1)
  .max(scopes.length)
  .describe("`admin` holds `jobs:write`, which holds `jobs:read`.");

export type JobViewWire = z.output<typeof jobView>;
export type JobSummaryWire = z.output<typeof jobSummary>;
export type RunnerViewWire = z.output<typeof runnerView>;
