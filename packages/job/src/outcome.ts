/**
 * How a job can end. Expected endings are values: a timed-out job is not an exception.
 * The reasons are part of the wire protocol. Think twice before adding one: every client in every language has a
 * table of them, and docs/errors.md must explain it (a test compares the two).
 */

/** Why a job ended as `error`. The list is closed. */
export const jobReasons = [
  "malformed",
  "too_large",
  "unsigned",
  "bad_signature",
  "untrusted_signer",
  "threshold_not_met",
  "expired",
  "not_yet_valid",
  "replayed",
  "wrong_audience",
  "wrong_runner",
  "env_refused",
  "not_granted",
  "timeout",
  "exit_status",
  "killed_by_signal",
  "hero_not_found",
  "could_not_start",
  "output_limit",
  "cancelled",
  "shutdown",
  "runner_lost",
  "poisoned",
  "missing",
  "internal",
] as const;
export type JobReason = (typeof jobReasons)[number];

const reasonSet: ReadonlySet<string> = new Set(jobReasons);

export function isJobReason(text: string): text is JobReason {
  return reasonSet.has(text);
}

/** What a process wrote, as far as it was kept, with exact counts of the rest. */
export interface Output {
  /** Standard output: head and tail when it was longer than the runner keeps. */
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes the process wrote, kept or not. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Bytes of both streams that were left out of `stdout` and `stderr`. */
  readonly droppedBytes: number;
}

/** Facts about the execution that are stored beside the outcome. Everything is optional: a custom runner may know none. */
export interface ExecutionFacts {
  readonly durationMs?: number;
  /** How far the processes of the job were fenced in: group, pidns, cgroup. */
  readonly isolation?: string;
  /** Processes that had to be ended after the job's main process was gone. */
  readonly reaped?: number;
  /** SHA-256 of the whole stream, hex, kept or not; secrets count as the mask that stands for them. */
  readonly stdoutSha256?: string;
  readonly stderrSha256?: string;
  /** How many secrets were masked in the output. */
  readonly maskedCount?: number;
  /** What was asked of the processes and when they were gone; only when something had to be ended. */
  readonly kill?: KillReport;
}

/** The story of an ending by force. Times are milliseconds since 1970 on the runner's host. */
export interface KillReport {
  readonly reason: string;
  readonly askedAtMs: number;
  readonly termAtMs?: number;
  readonly killAtMs?: number;
  readonly goneAtMs?: number;
  /** Processes that were found, and how. */
  readonly found: readonly FoundProcess[];
  /** Pids that were still alive when the runner gave up; empty is the promise. */
  readonly survivors: readonly number[];
}

export interface FoundProcess {
  readonly pid: number;
  readonly ppid: number;
  /** The command name as the kernel shows it, at most 15 bytes. */
  readonly name: string;
  readonly via: "group" | "session" | "marker" | "descendant" | "cgroup" | "pidns";
}

/** The fate of a job, decided by a runner, stored once. */
export type JobOutcome =
  | { readonly kind: "finished"; readonly output: Output; readonly facts?: ExecutionFacts }
  | {
      readonly kind: "error";
      readonly reason: JobReason;
      /** One sentence a person can act on: names the thing, the value and the next step. Never a secret. */
      readonly message: string;
      readonly exitCode?: number;
      readonly signal?: string;
      readonly output?: Output;
      readonly facts?: ExecutionFacts;
    };

export type ErrorOutcome = Extract<JobOutcome, { kind: "error" }>;

/** The usual way to end well: `return finished("text for the caller\n")`. */
export function finished(stdout: string, facts?: ExecutionFacts): JobOutcome {
  const output = plainOutput(stdout);
  return facts === undefined ? { kind: "finished", output } : { kind: "finished", output, facts };
}

/** The usual way to end badly: `return failed("internal", "the disk is full; free some space and submit again")`. */
export function failed(
  reason: JobReason,
  message: string,
  rest: Partial<Omit<ErrorOutcome, "kind" | "reason" | "message">> = {},
): ErrorOutcome {
  return { kind: "error", reason, message, ...rest };
}

function plainOutput(stdout: string): Output {
  return { stdout, stderr: "", stdoutBytes: Buffer.byteLength(stdout), stderrBytes: 0, droppedBytes: 0 };
}
