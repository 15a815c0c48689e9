/**
 * What a metric is: one entry of a program's table. The table is what the program counts by, what docs/metrics.md is made
 * from, and what alarms and dashboards are checked against.
 */

/** Every value the label may have, or a sentence that says what bounds them. */
export type LabelValues = readonly string[] | string;

interface Entry {
  /** As `herorunner_jobs_total`; the unit is part of the name, base units only (seconds, bytes). */
  readonly name: string;
  /** One or two sentences. */
  readonly help: string;
  readonly labels?: Readonly<Record<string, LabelValues>>;
}

/** Only grows while the process lives. A counter with one label starts with every value of it at 0. */
export interface CounterEntry extends Entry {
  readonly kind: "counter";
}
export interface GaugeEntry extends Entry {
  readonly kind: "gauge";
}
export interface HistogramEntry extends Entry {
  readonly kind: "histogram";
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}
export type MetricEntry = CounterEntry | GaugeEntry | HistogramEntry;
export type MetricTable = Readonly<Record<string, MetricEntry>>;

/** The labels of an entry, each with its own set of values. */
export type LabelsOf<E extends MetricEntry> = E extends { readonly labels: infer L }
  ? { readonly [K in keyof L]: L[K] extends readonly (infer V)[] ? V : string }
  : Readonly<Record<string, never>>;
