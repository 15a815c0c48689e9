/** A script or a job file, from wherever the command line says, as a request that can be submitted. */
import { readFile } from "node:fs/promises";
import { isJsonObject, type Job, type JobRequest, parseStrictJson, systemFields } from "@herorunner/job";
import { readJobFile } from "@herorunner/job/trust";
import type { JobConfig } from "./job-options.ts";
import type { Shell } from "./shell.ts";
import { UsageError } from "./usage-error.ts";

/** Bytes of a file, or of standard input for `-`. */
export async function readSource(path: string, shell: Shell): Promise<string> {
  const bytes = path === "-" ? await shell.readInput() : await readBytes(path);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UsageError(`${nameOf(path)} is not valid UTF-8; a script is text`);
  }
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    const hint = code === "ENOENT" ? "; a script on the command line goes behind -e" : "";
    throw new UsageError(`${JSON.stringify(path)} cannot be read (${code})${hint}`);
  }
}

function nameOf(path: string): string {
  return path === "-" ? "standard input" : JSON.stringify(path);
}

/** A file is a job by its name; standard input by what it holds: one JSON object with a payload is no script. */
export function looksLikeJob(path: string, text: string): boolean {
  if (path !== "-") return path.endsWith(".json");
  const json = withoutMark(text);
  if (!/^\s*\{/.test(json)) return false;
  const parsed = parseStrictJson(json);
  return parsed.ok && isJsonObject(parsed.value) && typeof parsed.value.get("payload") === "string";
}

/** Some editors put one in front, and no reader of JSON has to expect it. */
function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

const written: ReadonlySet<string> = new Set(systemFields);

/** The job in a job file. What runners write into a record is forgiven and left behind. */
export function parseJob(path: string, text: string): Job {
  if (text !== withoutMark(text)) {
    throw new UsageError(`${nameOf(path)} begins with a byte order mark; store it as UTF-8 without one`);
  }
  const read = readJobFile(text);
  if (!read.ok) throw new UsageError(`${nameOf(path)}: ${read.message}`);
  const stranger = read.unknownFields.find((name) => !written.has(name));
  if (stranger === undefined) return read.job;
  const shown = JSON.stringify(stranger.slice(0, 80));
  throw new UsageError(`${nameOf(path)}: ${shown} is not a field of a job; take it out, or mend its name`);
}

/** A job as a request: everything that it does not say stays open. */
export function requestOf(job: Job): JobRequest {
  const { timeoutSeconds, createdAtSeconds, expiresAtSeconds, id, ...rest } = job;
  return {
    ...rest,
    ...(id === "" ? {} : { id }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(createdAtSeconds === undefined ? {} : { createdAtSeconds }),
    ...(expiresAtSeconds === undefined ? {} : { expiresAtSeconds }),
  };
}

type Flags = JobConfig & { readonly caller?: string | undefined; readonly context?: string | undefined };

/** The request with what the flags say put over it. Throws UsageError where that would break a signature. */
export function withFlags(request: JobRequest, flags: Flags): JobRequest {
  const changes = changesOf(request, flags);
  const names = Object.keys(changes).filter((name) => name !== "maxAttempts");
  const [first] = names;
  if ((request.signatures?.length ?? 0) > 0 && first !== undefined) {
    throw new UsageError(
      `the job is signed and its ${wordOf.get(first) ?? first} cannot be changed; change the unsigned job and sign that`,
    );
  }
  const changed = { ...request, ...changes };
  if (changed.runner === "") {
    throw new UsageError("no runner was named; add --runner RUNNER, or set HEROJOB_RUNNER");
  }
  return changed;
}

const wordOf = new Map([
  ["callerId", "caller"],
  ["contextId", "context"],
  ["timeoutSeconds", "timeout"],
  ["envVars", "variables"],
]);

/** Only what differs: naming the runner of a signed job again changes nothing. */
function changesOf(request: JobRequest, flags: Flags): Partial<JobRequest> {
  const { runner, id, caller, context, timeoutMs, maxAttempts, env } = flags;
  const wished: Partial<JobRequest> = {
    ...(runner === undefined ? {} : { runner }),
    ...(id === undefined ? {} : { id }),
    ...(caller === undefined ? {} : { callerId: caller }),
    ...(context === undefined ? {} : { contextId: context }),
    ...(timeoutMs === undefined ? {} : { timeoutSeconds: timeoutMs / 1000 }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  };
  const stated = new Map(Object.entries(request));
  const differing = Object.entries(wished).filter(([name, value]) => stated.get(name) !== value);
  const changes: Partial<JobRequest> = Object.fromEntries(differing);
  return env.length === 0
    ? changes
    : { ...changes, envVars: new Map([...variablesOf(request), ...env.map(pairOf)]) };
}

function variablesOf({
  envVars = new Map<string, string>(),
}: JobRequest): Iterable<readonly [string, string]> {
  return envVars instanceof Map ? envVars : Object.entries(envVars);
}

function pairOf(item: string): readonly [string, string] {
  const at = item.indexOf("=");
  return [item.slice(0, at), item.slice(at + 1)];
}
