/**
 * What is stored of a job, as others see it: hash → JobView (camelCase) → wire view (snake_case), and outcome → fields.
 * Reading is lenient where decodeJob is strict: a record must be shown even when its client wrote nonsense into it.
 */
import { timeoutSecondsRange } from "./fields.ts";
import { readKillReport, wireKillReport } from "./kill-report.ts";
import type { JobSummary } from "./job-api.ts";
import { jobStatuses, type JobStatus, type JobView } from "./job.ts";
import { isJobReason, type JobOutcome } from "./outcome.ts";
import type { RawFields, SettleDetails } from "./queue.ts";
import { isJsonObject, type JsonValue, parseStrictJson } from "./strict-json.ts";

const statusSet: ReadonlySet<string> = new Set(jobStatuses);

/** A hash without a status waits. */
export function statusOf(text: string | undefined): JobStatus {
  return text !== undefined && statusSet.has(text)
    ? (text as JobStatus) /* the set holds nothing else */
    : "queued";
}

/** Never throws. `defaultTimeoutSeconds` stands in where the client left the choice to the runner. */
export function viewJob(
  fields: RawFields,
  key: { readonly id: string; readonly runner: string },
  defaultTimeoutSeconds = 60,
): JobView {
  const text = (name: string): string | undefined => {
    const bytes = fields.get(name);
    return bytes === undefined || bytes.byteLength === 0 ? undefined : Buffer.from(bytes).toString("utf8");
  };
  const number = (name: string): number | undefined => {
    const value = text(name);
    return value !== undefined && /^\d{1,16}$/.test(value) ? Number(value) : undefined;
  };
  const reason = text("reason");
  const timeout = number("timeout");
  const result = fields.get("result");
  const stderr = fields.get("stderr");
  return compact({
    id: key.id,
    runner: key.runner,
    status: statusOf(text("status")),
    reason: reason !== undefined && isJobReason(reason) ? reason : undefined,
    result: result === undefined ? undefined : Buffer.from(result).toString("utf8"),
    stderr: stderr === undefined ? undefined : Buffer.from(stderr).toString("utf8"),
    error: text("error"),
    exitCode: number("exit_code"),
    signal: text("signal"),
    attempt: number("attempt") ?? 0,
    callerId: text("caller_id"),
    contextId: text("context_id"),
    executor: text("executor"),
    timeoutSeconds:
      timeout !== undefined && timeout >= timeoutSecondsRange.low && timeout <= timeoutSecondsRange.high
        ? timeout
        : defaultTimeoutSeconds,
    maxAttempts: Math.min(Math.max(number("max_attempts") ?? 1, 1), 10),
    createdAtSeconds: number("created_at"),
    expiresAtSeconds: number("expires_at"),
    queuedAtMs: number("queued_at"),
    dispatchedAtMs: number("dispatched_at"),
    startedAtMs: number("started_at"),
    finishedAtMs: number("finished_at"),
    durationMs: number("duration_ms"),
    stdoutBytes: number("stdout_bytes"),
    stderrBytes: number("stderr_bytes"),
    droppedBytes: number("dropped_bytes"),
    owner: text("owner"),
    isolation: text("isolation"),
    signers: stringList(text("signers")),
    kill: readKillReport(json(text("kill"))),
    receipt: text("receipt"),
    envNames: envNames(text("env_vars")),
    payload: text("payload") ?? "",
  });
}

function json(text: string | undefined): JsonValue | undefined {
  const parsed = text === undefined ? undefined : parseStrictJson(text);
  return parsed?.ok === true ? parsed.value : undefined;
}

function stringList(text: string | undefined): readonly string[] | undefined {
  const value = json(text);
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : undefined;
}

function envNames(text: string | undefined): readonly string[] {
  const value = json(text);
  return isJsonObject(value) ? [...value.keys()] : [];
}

type Loose<T> = { [K in keyof T]: T[K] | undefined };

/** Drops members that are undefined, so that "not known" and "not there" are one thing. */
function compact<T extends object>(value: Loose<T>): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}

/** JobView member → wire name, where it is not the snake_case of the member. */
const wireNames: ReadonlyMap<string, string> = new Map([
  ["timeoutSeconds", "timeout"],
  ["createdAtSeconds", "created_at"],
  ["expiresAtSeconds", "expires_at"],
  ["queuedAtMs", "queued_at"],
  ["dispatchedAtMs", "dispatched_at"],
  ["startedAtMs", "started_at"],
  ["finishedAtMs", "finished_at"],
]);

/** The view as it is printed by `--json` and answered by the supervisor. */
export function wireView(view: JobView | JobSummary): Record<string, unknown> {
  const { kill, ...rest } = view;
  const members = Object.entries(rest).map(([name, value]): [string, unknown] => [wireName(name), value]);
  return Object.fromEntries(kill === undefined ? members : [...members, ["kill", wireKillReport(kill)]]);
}

function wireName(member: string): string {
  return wireNames.get(member) ?? member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The end of stderr that is repeated in `error`, bytes. */
const errorTailBytes = 4 * 1024;

/** The fields that an outcome puts into the hash, for the finish script: name, value, name, value … */
export function encodeOutcome(outcome: JobOutcome, details: SettleDetails = {}): string[] {
  const fields: string[] = [];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) fields.push(name, String(value));
  };
  if (outcome.kind === "error") {
    add("reason", outcome.reason);
    add("error", errorText(outcome.message, outcome.output?.stderr ?? ""));
    add("exit_code", outcome.exitCode);
    add("signal", outcome.signal);
  } else {
    add("exit_code", 0);
  }
  const { output, facts } = outcome;
  add("result", output?.stdout);
  add("stderr", output?.stderr);
  add("stdout_bytes", output?.stdoutBytes);
  add("stderr_bytes", output?.stderrBytes);
  add("dropped_bytes", output?.droppedBytes);
  add("duration_ms", facts?.durationMs === undefined ? undefined : Math.round(facts.durationMs));
  add("isolation", facts?.isolation);
  add("reaped", facts?.reaped);
  add("stdout_sha256", facts?.stdoutSha256);
  add("stderr_sha256", facts?.stderrSha256);
  add("masked", facts?.maskedCount);
  add("kill", facts?.kill === undefined ? undefined : JSON.stringify(facts.kill));
  add(
    "signers",
    details.signers === undefined || details.signers.length === 0
      ? undefined
      : JSON.stringify(details.signers),
  );
  add("receipt", details.receipt);
  return fields;
}

function errorText(message: string, stderr: string): string {
  const bytes = Buffer.from(stderr);
  if (bytes.byteLength === 0) return message;
  // Not inside a character: continuation bytes start with 10.
  let from = Math.max(0, bytes.byteLength - errorTailBytes);
  while (from < bytes.byteLength && ((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1;
  return `${message}\n${bytes.subarray(from).toString("utf8").trimEnd()}`;
}
