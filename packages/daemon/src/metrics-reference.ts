/** The reference page of all metrics, as Markdown, made from the tables that the programs count by. */
import type { MetricEntry, MetricTable } from "./metric-table.ts";
import { processMetrics } from "./process-metrics.ts";

/** A program and its table. */
export interface MeteredProgram {
  readonly name: string;
  /** How its metrics are reached: whole sentences. */
  readonly introduction: string;
  readonly metrics: MetricTable;
}

const INTRODUCTION = `# Metrics

What \`/metrics\` of each program shows, in the text format that Prometheus scrapes. Times are seconds, sizes are bytes, counters
end in \`_total\` and start at 0 with the process. Labels have the values that stand here and no others, so the number of series
is bounded. Nothing is measured between scrapes but by counting what happens anyway; what has to be asked of Redis is asked
when somebody scrapes, in one question, and left out where Redis does not answer within a second.

What to be woken for, and what to do then, is in [alarms.md](alarms.md); rules and a dashboard to load are in \`deploy/\`.

This page is generated from the tables of the programs.
`;

const PROCESS = `Both programs, whatever they do. The names are those that dashboards for Node.js programs look for.`;

/** The page for these programs, in this order. */
export function metricsReference(programs: readonly MeteredProgram[]): string {
  return [
    INTRODUCTION,
    ...programs.map(({ name, introduction, metrics }) => section(name, introduction, metrics)),
    section("Every process", PROCESS, processMetrics),
  ].join("\n");
}

function section(title: string, introduction: string, metrics: MetricTable): string {
  return [
    `## ${title}`,
    "",
    introduction,
    "",
    "| Metric | Kind | Labels | Meaning |",
    "|---|---|---|---|",
    ...Object.values(metrics).map(row),
    "",
  ].join("\n");
}

function row(entry: MetricEntry): string {
  const labels = Object.entries(entry.labels ?? {}).map(([name, values]) => {
    const shown = typeof values === "string" ? values : values.map(shownValue).join(" ");
    return `\`${name}\`: ${shown}`;
  });
  const buckets = entry.kind === "histogram" ? ` Buckets up to ${entry.buckets.join(", ")}.` : "";
  return `| \`${entry.name}\` | ${entry.kind} | ${labels.join("<br>")} | ${entry.help}${buckets} |`;
}

function shownValue(value: string): string {
  return value === "" ? "(none)" : `\`${value}\``;
}
