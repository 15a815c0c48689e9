/**
 * A job as a file: one JSON object with the wire names, integers as numbers, `env_vars` an object, `signatures` a list.
 * It is read strictly and then decoded by the same rules as a job from the store, so that both mean the same.
 */
import { decodeJob } from "../codec.ts";
import { clientFields, maxSignatures } from "../fields.ts";
import type { Job } from "../job.ts";
import type { JobReason } from "../outcome.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from "../strict-json.ts";
import { wireJob } from "../wire-job.ts";
import type { RefusalCode } from "./codes.ts";

export type ReadJob =
  | { readonly ok: true; readonly job: Job; readonly unknownFields: readonly string[] }
  | { readonly ok: false; readonly code: RefusalCode; readonly reason: JobReason; readonly message: string };

const integerFields: ReadonlySet<string> = new Set(["timeout", "max_attempts", "created_at", "expires_at"]);
const knownFields: ReadonlySet<string> = new Set(clientFields);

/** Reads a job file. Missing `id` and `runner` stay empty; whoever submits or signs the job fills them in. Never throws. */
export function readJobFile(text: string, maxPayloadBytes = 16 * 1024 * 1024): ReadJob {
  const parsed = parseStrictJson(text);
  if (!parsed.ok) return refusal("BAD_FIELD", `the job is not valid JSON: ${parsed.detail}`);
  if (!isJsonObject(parsed.value)) return refusal("BAD_FIELD", "the job must be one JSON object");
  return decodeObject(parsed.value, maxPayloadBytes);
}

function decodeObject(object: JsonObject, maxPayloadBytes: number): ReadJob {
  const fields = new Map<string, Uint8Array>();
  for (const [name, value] of object) {
    if (!knownFields.has(name)) {
      fields.set(name, new Uint8Array());
      continue;
    }
    // A list that is null is a list that is not there.
    if (name === "signatures" && value === null) continue;
    const problem = typeProblem(name, value);
    if (problem !== undefined) return problem;
    fields.set(name, Buffer.from(typeof value === "string" ? value : JSON.stringify(plain(value))));
  }
  const key = { id: textOf(object.get("id")), runner: textOf(object.get("runner")) };
  const decoded = decodeJob(fields, key, { maxPayloadBytes });
  if (decoded.ok) return decoded;
  const code = decoded.field === "signatures" ? "BAD_ENCODING" : "BAD_FIELD";
  return refusal(code, decoded.message, decoded.reason);
}

/** Does the JSON type fit the field? Values are left to decodeJob. */
function typeProblem(name: string, value: JsonValue): ReadJob | undefined {
  if (name === "signatures") {
    if (!Array.isArray(value)) return refusal("BAD_ENCODING", "signatures must be a list");
    return value.length > maxSignatures
      ? refusal(
          "TOO_MANY",
          `signatures holds ${value.length} entries; at most ${maxSignatures} are looked at`,
        )
      : undefined;
  }
  if (name === "env_vars") {
    return isJsonObject(value) ? undefined : refusal("BAD_FIELD", "env_vars must be an object of strings");
  }
  if (integerFields.has(name)) {
    return Number.isInteger(value)
      ? undefined
      : refusal("BAD_FIELD", `${name} must be a whole number, without quotes`);
  }
  return typeof value === "string" ? undefined : refusal("BAD_FIELD", `${name} must be a string`);
}

function refusal(code: RefusalCode, message: string, reason: JobReason = "malformed"): ReadJob {
  return { ok: false, code, reason, message };
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** Maps and lists as JSON.stringify wants them; entries survive whatever their names are. */
function plain(value: JsonValue): unknown {
  if (Array.isArray(value)) return value.map((one: JsonValue) => plain(one));
  if (!isJsonObject(value)) return value;
  const object: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, member] of value) object[name] = plain(member);
  return object;
}

/** The job as a file again: pretty, wire names, defaults left out. What readJobFile reads back as the same job. */
export function writeJobFile(job: Job): string {
  return `${JSON.stringify(wireJob(job), undefined, 2)}\n`;
}
