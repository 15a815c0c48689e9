/**
 * Counters, gauges and histograms in the format Prometheus scrapes. Each is an entry of a table (metric-table.ts), whose
 * labels are closed sets that the compiler knows. The library behind them is loaded only when somebody will read them,
 * because every megabyte of the daemon is paid again at each job; without a reader they cost nothing.
 */
import type { CounterEntry, GaugeEntry, HistogramEntry, LabelsOf, MetricEntry } from "./metric-table.ts";
import { addProcessMetrics } from "./process-metrics.ts";

export interface Counter<L> {
  inc(labels: L, by?: number): void;
}
export interface Gauge<L> {
  set(labels: L, value: number): void;
}
export interface Histogram<L> {
  observe(labels: L, value: number): void;
}

export interface Sample<L> {
  readonly labels: L;
  readonly value: number;
}

/** What is asked for at a scrape: the value where there are no labels, else one per set of them; undefined shows nothing. */
export type Collected<L> = number | undefined | readonly Sample<L>[];
type Collect<L> = () => Collected<L> | Promise<Collected<L>>;

/** Where the metrics of a program are registered. A name can be registered once. */
export interface Metrics {
  /** `collect` is asked at each scrape, in place of `inc`. */
  counter<E extends CounterEntry>(entry: E, collect?: Collect<LabelsOf<E>>): Counter<LabelsOf<E>>;
  /** `collect` is asked at each scrape, in place of `set`; what it does not answer is shown no more. */
  gauge<E extends GaugeEntry>(entry: E, collect?: Collect<LabelsOf<E>>): Gauge<LabelsOf<E>>;
  histogram<E extends HistogramEntry>(entry: E): Histogram<LabelsOf<E>>;
  /** Everything in the text format, and the content type it has. */
  scrape(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Metrics nobody reads. */
export const noMetrics: Metrics = {
  counter: () => ({ inc: () => {} }),
  gauge: () => ({ set: () => {} }),
  histogram: () => ({ observe: () => {} }),
  scrape: () => Promise.resolve({ contentType: "text/plain; charset=utf-8", text: "" }),
};

/** Metrics that count. Holds the usual metrics of a process (memory, CPU time, start) from the beginning. */
export async function openMetrics(): Promise<Metrics> {
  const { default: prometheus } = await import("prom-client");
  const registry = new prometheus.Registry();
  const shared = ({ name, help, labels = {} }: MetricEntry) => ({
    ...{ name, help },
    labelNames: Object.keys(labels),
    registers: [registry],
  });
  const metrics: Metrics = {
    counter: (entry, collect) => {
      const counter: Stored = new prometheus.Counter({
        ...shared(entry),
        ...(collect === undefined
          ? {}
          : {
              collect: async () =>
                replace(counter, await collect(), (labels, by) => counter.inc?.(labels, by)),
            }),
      });
      if (collect === undefined) startAtZero(entry, counter);
      return { inc: (labels, by = 1) => counter.inc?.(labels, by) };
    },
    gauge: (entry, collect) => {
      const gauge: Stored = new prometheus.Gauge({
        ...shared(entry),
        ...(collect === undefined
          ? {}
          : {
              collect: async () =>
                replace(gauge, await collect(), (labels, value) => gauge.set?.(labels, value)),
            }),
      });
      return { set: (labels, value) => gauge.set?.(labels, value) };
    },
    histogram: (entry) => {
      const histogram = new prometheus.Histogram({ ...shared(entry), buckets: [...entry.buckets] });
      return { observe: (labels, value) => histogram.observe(labels, value) };
    },
    scrape: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
  addProcessMetrics(metrics);
  return metrics;
}

/** A counter or a gauge of the library, as far as it is used here. */
interface Stored {
  inc?(labels: object, by: number): void;
  set?(labels: object, value: number): void;
  reset(): void;
  remove(labels: object): void;
}

/** Nothing of an earlier scrape may be taken for an answer of this one. */
function replace(
  stored: Stored,
  found: Collected<object>,
  put: (labels: object, value: number) => void,
): void {
  stored.reset();
  if (typeof found === "number") put({}, found);
  else if (found === undefined) stored.remove({});
  else for (const { labels, value } of found) put(labels, value);
}

/** A series that begins with its first event hides that event from rate() and increase(). */
function startAtZero(entry: CounterEntry, counter: Stored): void {
  const [[name, values] = ["", []], ...more] = Object.entries(entry.labels ?? {});
  if (more.length > 0 || typeof values === "string") return;
  for (const value of values) counter.inc?.({ [name]: value }, 0);
}
