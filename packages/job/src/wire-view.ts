/** The wire view of a job, as a supervisor answers it, back into a JobView: the inverse of wireView. Never throws. */
import { readKillReport } from "./kill-report.ts";
import type { JobView } from "./job.ts";
import { viewJob } from "./record.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./strict-json.ts";

/**
 * Undefined when the value is no job view. It passes through viewJob, so that a view from a supervisor and one from
 * Redis are held to the same rules; what only the view has is added afterwards.
 */
export function readWireView(value: JsonValue | undefined): JobView | undefined {
  if (!isJsonObject(value)) return undefined;
  const [id, runner] = [value.get("id"), value.get("runner")];
  if (typeof id !== "string" || typeof runner !== "string" || typeof value.get("status") !== "string") {
    return undefined;
  }
  const fields = new Map<string, Uint8Array>();
  for (const [name, member] of value) {
    if (typeof member === "string" || typeof member === "number")
      fields.set(name, Buffer.from(String(member)));
  }
  const signers = textsOf(value, "signers");
  const kill = readKillReport(value.get("kill"));
  return {
    ...viewJob(fields, { id, runner }),
    ...(signers === undefined ? {} : { signers }),
    ...(kill === undefined ? {} : { kill }),
    envNames: textsOf(value, "env_names") ?? [],
  };
}

function textsOf(object: JsonObject, name: string): readonly string[] | undefined {
  const value = object.get(name);
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : undefined;
}
