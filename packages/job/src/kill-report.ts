/**
 * The kill report as text: stored in the hash as JSON with the names of KillReport, shown on the wire in snake_case
 * with times as `asked_at`. Reading takes both and trusts neither.
 */
import type { FoundProcess, KillReport } from "./outcome.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./strict-json.ts";

/** Undefined when the value is no kill report at all; single bad members are left out. */
export function readKillReport(value: JsonValue | undefined): KillReport | undefined {
  if (!isJsonObject(value)) return undefined;
  const askedAtMs = numberOf(value, "askedAtMs", "asked_at");
  const reason = value.get("reason");
  if (askedAtMs === undefined || typeof reason !== "string") return undefined;
  const [termAtMs, killAtMs, goneAtMs] = [
    numberOf(value, "termAtMs", "term_at"),
    numberOf(value, "killAtMs", "kill_at"),
    numberOf(value, "goneAtMs", "gone_at"),
  ];
  return {
    reason,
    askedAtMs,
    ...(termAtMs === undefined ? {} : { termAtMs }),
    ...(killAtMs === undefined ? {} : { killAtMs }),
    ...(goneAtMs === undefined ? {} : { goneAtMs }),
    found: listOf(value.get("found")).flatMap(readProcess),
    survivors: listOf(value.get("survivors")).filter((pid): pid is number => typeof pid === "number"),
  };
}

const ways: ReadonlySet<string> = new Set<FoundProcess["via"]>([
  ...(["group", "session", "marker", "descendant", "cgroup", "pidns"] as const),
]);

function readProcess(value: JsonValue): FoundProcess[] {
  if (!isJsonObject(value)) return [];
  const [pid, ppid] = [value.get("pid"), value.get("ppid")];
  const [name, via] = [value.get("name"), value.get("via")];
  if (typeof pid !== "number" || typeof ppid !== "number" || typeof name !== "string") return [];
  if (typeof via !== "string" || !ways.has(via)) return [];
  return [{ pid, ppid, name, via: via as FoundProcess["via"] }]; // the set holds nothing else
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : []; // Array.isArray loses the element type
}

function numberOf(object: JsonObject, ...names: readonly string[]): number | undefined {
  const value = names.map((name) => object.get(name)).find((one) => one !== undefined);
  return typeof value === "number" ? value : undefined;
}

export function wireKillReport(report: KillReport): Record<string, unknown> {
  return {
    reason: report.reason,
    asked_at: report.askedAtMs,
    term_at: report.termAtMs,
    kill_at: report.killAtMs,
    gone_at: report.goneAtMs,
    found: report.found,
    survivors: report.survivors,
  };
}
