/**
 * Wire text ⇄ Job: the only place that knows the units and defaults of the client's fields.
 * The hash belongs to clients, so decoding trusts nothing: a bad field is answered with its name, what it holds and
 * what it should hold, and nothing else is lost or stopped by it.
 */
import {
  clientFields,
  envProblem,
  executorPattern,
  maxAttemptsRange,
  maxSignatures,
  noncePattern,
  timeoutSecondsRange,
  tracePattern,
} from "./fields.ts";
import type { Job, JobSignature } from "./job.ts";
import { idPattern } from "./keys.ts";
import type { JobReason } from "./outcome.ts";
import type { RawFields } from "./queue.ts";
import { isJsonObject, type JsonValue, parseStrictJson } from "./strict-json.ts";

export interface DecodeLimits {
  /** A longer payload is `too_large`. Bytes. */
  readonly maxPayloadBytes: number;
}

export type Decoded =
  | { readonly ok: true; readonly job: Job; readonly unknownFields: readonly string[] }
  | {
      readonly ok: false;
      readonly reason: Extract<JobReason, "malformed" | "too_large" | "env_refused" | "wrong_runner">;
      readonly field: string;
      /** A sentence that starts with the field's name. */
      readonly message: string;
    };

const known: ReadonlySet<string> = new Set(clientFields);

/** Thrown inside this file only; decodeJob turns it into a value. */
class FieldProblem extends Error {
  readonly field: string;
  readonly reason: Extract<Decoded, { ok: false }>["reason"];
  constructor(field: string, problem: string, reason: FieldProblem["reason"] = "malformed") {
    super(`${field} ${problem}`);
    this.field = field;
    this.reason = reason;
  }
}

/** Decodes the client's fields of a job hash that was found under the key of (`runner`, `id`). Never throws. */
export function decodeJob(
  fields: RawFields,
  key: { readonly id: string; readonly runner: string },
  limits: DecodeLimits,
): Decoded {
  try {
    const job = decode(new FieldReader(fields), key, limits);
    return { ok: true, job, unknownFields: [...fields.keys()].filter((name) => !known.has(name)) };
  } catch (error) {
    if (error instanceof FieldProblem) {
      return { ok: false, reason: error.reason, field: error.field, message: error.message };
    }
    throw error;
  }
}

function decode(
  read: FieldReader,
  key: { readonly id: string; readonly runner: string },
  limits: DecodeLimits,
): Job {
  const id = read.text("id");
  if (id !== "" && id !== key.id) {
    throw new FieldProblem(
      "id",
      `is ${show(id)} but the job is stored under ${show(key.id)}; use the same id in both`,
    );
  }
  const runner = read.text("runner");
  if (runner !== "" && runner !== key.runner) {
    const problem = `is ${show(runner)} but the job waits in the queue of ${show(key.runner)}; push it to its own runner`;
    throw new FieldProblem("runner", problem, "wrong_runner");
  }
  return {
    id: key.id,
    runner: key.runner,
    callerId: read.matching("caller_id", idPattern),
    contextId: read.matching("context_id", idPattern),
    executor: read.matching("executor", executorPattern),
    payload: payloadOf(read, limits),
    timeoutSeconds: read.integer("timeout", timeoutSecondsRange),
    envVars: envVarsOf(read),
    maxAttempts: read.integer("max_attempts", maxAttemptsRange) ?? 1,
    trace: read.matching("trace", tracePattern),
    createdAtSeconds: read.integer("created_at", unixSecondsRange),
    expiresAtSeconds: read.integer("expires_at", unixSecondsRange),
    audience: read.matching("audience", idPattern),
    nonce: read.matching("nonce", noncePattern),
    signatures: signaturesOf(read),
  };
}

const unixSecondsRange = { low: 0, high: Number.MAX_SAFE_INTEGER } as const;

function payloadOf(read: FieldReader, limits: DecodeLimits): string {
  const bytes = read.byteLength("payload");
  if (bytes === undefined) throw new FieldProblem("payload", "is missing; it holds the script to run");
  if (bytes > limits.maxPayloadBytes) {
    throw new FieldProblem(
      "payload",
      `has ${bytes} bytes; this runner takes at most ${limits.maxPayloadBytes}`,
      "too_large",
    );
  }
  return read.text("payload");
}

function envVarsOf(read: FieldReader): ReadonlyMap<string, string> {
  const envVars = new Map<string, string>();
  const value = read.json("env_vars");
  if (value === undefined) return envVars;
  if (!isJsonObject(value))
    throw new FieldProblem("env_vars", `is ${kindOf(value)}; it must be a JSON object of strings`);
  for (const [name, text] of value) {
    if (typeof text !== "string") {
      throw new FieldProblem(
        "env_vars",
        `holds ${kindOf(text)} under ${show(name)}; every value must be a string`,
      );
    }
    envVars.set(name, text);
  }
  const broken = envProblem(envVars);
  if (broken !== undefined) throw new FieldProblem("env_vars", broken.problem, "env_refused");
  return envVars;
}

function signaturesOf(read: FieldReader): readonly JobSignature[] {
  const value = read.json("signatures");
  if (value === undefined) return [];
  if (!Array.isArray(value))
    throw new FieldProblem("signatures", `is ${kindOf(value)}; it must be a JSON list`);
  if (value.length > maxSignatures) {
    throw new FieldProblem(
      "signatures",
      `holds ${value.length} entries; at most ${maxSignatures} are allowed`,
    );
  }
  return value.map((entry: JsonValue, at) => {
    const members = isJsonObject(entry) ? entry : new Map<string, JsonValue>();
    const [publicKey, signature] = [members.get("public_key"), members.get("signature")];
    if (typeof publicKey !== "string" || typeof signature !== "string" || members.size !== 2) {
      throw new FieldProblem(
        "signatures",
        `entry ${at} must be {"public_key": hex, "signature": hex} and nothing else`,
      );
    }
    return { publicKey, signature };
  });
}

class FieldReader {
  readonly #fields: RawFields;
  constructor(fields: RawFields) {
    this.#fields = fields;
  }

  byteLength(name: string): number | undefined {
    return this.#fields.get(name)?.byteLength;
  }

  /** Missing is empty. */
  text(name: string): string {
    const bytes = this.#fields.get(name);
    if (bytes === undefined) return "";
    try {
      return strictUtf8.decode(bytes);
    } catch {
      throw new FieldProblem(name, "is not valid UTF-8");
    }
  }

  matching(name: string, pattern: RegExp): string {
    const text = this.text(name);
    if (text !== "" && !pattern.test(text))
      throw new FieldProblem(name, `is ${show(text)}; it must match ${pattern.source}`);
    return text;
  }

  /** Missing and empty are undefined. One spelling per number: no sign, no leading zero, no fraction. */
  integer(name: string, range: { readonly low: number; readonly high: number }): number | undefined {
    const text = this.text(name);
    if (text === "") return undefined;
    const value = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= range.low && value <= range.high)) {
      throw new FieldProblem(
        name,
        `is ${show(text)}; it must be a whole number from ${range.low} to ${range.high}`,
      );
    }
    return value;
  }

  json(name: string): JsonValue | undefined {
    const text = this.text(name);
    if (text === "") return undefined;
    const parsed = parseStrictJson(text);
    if (!parsed.ok) throw new FieldProblem(name, `is not JSON: ${parsed.detail}`);
    return parsed.value;
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function kindOf(value: JsonValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return isJsonObject(value) ? "an object" : `a ${typeof value}`;
}

/** Foreign text in a message: quoted, and short enough for a log line. */
function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** The client fields of a job as wire text; what decodeJob reads back as the same job. Defaults are left out. */
export function encodeJob(job: Job): ReadonlyMap<string, string> {
  const fields = new Map<string, string>([
    ["id", job.id],
    ["runner", job.runner],
    ["payload", job.payload],
  ]);
  const add = (name: (typeof clientFields)[number], text: string | number | undefined): void => {
    if (text !== undefined && text !== "") fields.set(name, String(text));
  };
  add("caller_id", job.callerId);
  add("context_id", job.contextId);
  add("executor", job.executor);
  add("timeout", job.timeoutSeconds);
  add("env_vars", job.envVars.size === 0 ? "" : JSON.stringify(sortedObject(job.envVars)));
  add("max_attempts", job.maxAttempts === 1 ? "" : job.maxAttempts);
  add("trace", job.trace);
  add("created_at", job.createdAtSeconds);
  add("expires_at", job.expiresAtSeconds);
  add("audience", job.audience);
  add("nonce", job.nonce);
  const signatures = job.signatures.map((one) => ({ public_key: one.publicKey, signature: one.signature }));
  add("signatures", signatures.length === 0 ? "" : JSON.stringify(signatures));
  return fields;
}

function sortedObject(map: ReadonlyMap<string, string>): Record<string, string> {
  // A null prototype, because a variable may be called __proto__.
  const object: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const name of [...map.keys()].sort()) object[name] = map.get(name) ?? "";
  return object;
}
