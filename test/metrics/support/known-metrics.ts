/** All metrics of all programs, as they may be named in a query. */
import { type MetricEntry, processMetrics } from "@herorunner/daemon";
import { metricTable as runnerTable } from "../../../packages/herorunner/src/metric-table.ts";
import { metricTable as supervisorTable } from "../../../packages/supervisor/src/metric-table.ts";

export const runnerMetrics: readonly MetricEntry[] = [
  ...Object.values(runnerTable),
  ...Object.values(processMetrics),
];
export const supervisorMetrics: readonly MetricEntry[] = [
  ...Object.values(supervisorTable),
  ...Object.values(processMetrics),
];

const known = new Map([...runnerMetrics, ...supervisorMetrics].map((entry) => [entry.name, entry]));
/** Labels that Prometheus itself gives. */
const given = ["job", "instance", "le"];

/** What is wrong with the names in a query: metrics and labels that nobody shows, values that a label never has. */
export function queryProblems(query: string): readonly string[] {
  const problems: string[] = [];
  for (const [, name = "", selectors = ""] of query.matchAll(
    /\b((?:hero(?:runner|supervisor)|process|nodejs)_\w+)(?:\{((?:"[^"]*"|[^}"])*)\})?/g,
  )) {
    const entry = entryOf(name);
    if (entry === undefined) problems.push(`no metric ${name}`);
    else problems.push(...selectorProblems(entry, selectors));
  }
  return problems;
}

/** A histogram is queried by its parts. */
function entryOf(name: string): MetricEntry | undefined {
  const entry = known.get(name);
  if (entry !== undefined) return entry.kind === "histogram" ? undefined : entry;
  const whole = known.get(name.replace(/_(?:bucket|sum|count)$/, ""));
  return whole?.kind === "histogram" ? whole : undefined;
}

function selectorProblems({ name, labels = {} }: MetricEntry, selectors: string): readonly string[] {
  const problems: string[] = [];
  for (const [, label = "", operator = "", text = ""] of selectors.matchAll(
    /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g,
  )) {
    if (given.includes(label)) continue;
    const values = labels[label];
    if (values === undefined) problems.push(`${name} has no label ${label}`);
    else if (typeof values !== "string") {
      const meant = operator.endsWith("~") ? text.split("|") : [text];
      for (const value of meant)
        if (!values.includes(value)) problems.push(`${label} of ${name} is never ${value}`);
    }
  }
  return problems;
}
