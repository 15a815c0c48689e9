/**
 * Counters, gauges and histograms in the format Prometheus scrapes. The library behind them is loaded only when somebody
 * will read them, because every megabyte of the daemon is paid again at each job; without a reader they cost nothing.
 */

export type Labels = Readonly<Record<string, string | number>>;

export interface Counter {
  inc(labels?: Labels, by?: number): void;
}
export interface Gauge {
  set(labels: Labels, value: number): void;
}
export interface Histogram {
  observe(labels: Labels, value: number): void;
}

interface MetricDefinition {
  /** As `herorunner_jobs_total`; the unit is part of the name, base units only (seconds, bytes). */
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

export interface ValueDefinition extends MetricDefinition {
  /** Asked for the value at each scrape, in place of `inc` and `set`. Only without labels. */
  readonly collect?: () => number;
}

export interface HistogramDefinition extends MetricDefinition {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** Where the metrics of a program are registered. A name can be registered once. */
export interface Metrics {
  counter(definition: ValueDefinition): Counter;
  gauge(definition: ValueDefinition): Gauge;
  histogram(definition: HistogramDefinition): Histogram;
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
  const shared = ({ name, help, labelNames = [] }: MetricDefinition) => ({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
  });
  const metrics: Metrics = {
    counter: ({ collect, ...definition }) => {
      const counter: { inc(labels: Labels, by: number): void; reset(): void } = new prometheus.Counter({
        ...shared(definition),
        ...(collect === undefined
          ? {}
          : {
              collect: () => {
                counter.reset();
                counter.inc({}, collect());
              },
            }),
      });
      return { inc: (labels = {}, by = 1) => counter.inc(labels, by) };
    },
    gauge: ({ collect, ...definition }) => {
      const gauge: Gauge & { set(value: number): void } = new prometheus.Gauge({
        ...shared(definition),
        ...(collect === undefined ? {} : { collect: () => gauge.set(collect()) }),
      });
      return { set: (labels, value) => gauge.set(labels, value) };
    },
    histogram: ({ buckets, ...definition }) => {
      const histogram = new prometheus.Histogram({ ...shared(definition), buckets: [...buckets] });
      return { observe: (labels, value) => histogram.observe(labels, value) };
    },
    scrape: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
  addProcessMetrics(metrics);
  return metrics;
}

/** Few and cheap ones: the library's own set wakes the process a hundred times a second to measure the event loop. */
function addProcessMetrics(metrics: Metrics): void {
  const startSeconds = Math.round(Date.now() / 1000 - process.uptime());
  const cpuSeconds = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  metrics.counter({
    name: "process_cpu_seconds_total",
    help: "CPU time, user and system.",
    collect: cpuSeconds,
  });
  metrics.gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory.",
    collect: () => process.memoryUsage.rss(),
  });
  metrics.gauge({
    name: "process_start_time_seconds",
    help: "Start of the process, unix time.",
    collect: () => startSeconds,
  });
}
