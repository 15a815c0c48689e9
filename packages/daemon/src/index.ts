/** How a long-lived process of ours is configured, logs, reports health and stops. Every public name, one by one. */
export {
  defineCommand,
  defineOptions,
  defineProgram,
  envName,
  type Address,
  type AddressOption,
  type BooleanOption,
  type BytesOption,
  type ChoiceOption,
  type Command,
  type Config,
  type IntegerOption,
  type ListOption,
  type Option,
  type OptionTable,
  type Positional,
  type PositionalTable,
  type Problem,
  type Program,
  type SecondsOption,
  type Source,
  type StringOption,
} from "./options/table.ts";
export { load, type Loaded, type LoadedCommand, type LoadInput } from "./options/load.ts";
export { completionCommand, completionScript } from "./completion/command.ts";
export { buildInfo, buildText, type BuildInfo } from "./build.ts";
export type { ReadFile } from "./options/config-file.ts";
export { problemText } from "./options/text.ts";
export { showAddress } from "./options/kinds.ts";
export { logOptions, rustLogLevel } from "./log-options.ts";
export { redisOptions } from "./redis-options.ts";
export { tracingOptions } from "./tracing-options.ts";
export { parseTraceparent } from "./tracing/traceparent.ts";
export {
  openTracing,
  traceClock,
  tryCollector,
  type CollectorTrial,
  type Span,
  type SpanAttributes,
  type SpanCounts,
  type SpanStart,
  type Tracing,
  type TracingOptions,
} from "./tracing/tracing.ts";
export {
  createLogger,
  LOG_LEVELS,
  type LogFormat,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type LogStream,
  type RootLogger,
} from "./logger.ts";
export { batchWrites } from "./batched-stream.ts";
export { MASK, maskUrlPasswords } from "./mask.ts";
export { createShutdown, type ProcessPort, type Shutdown, type ShutdownOptions } from "./shutdown.ts";
export { crashOnBugs, type CrashOptions } from "./crash.ts";
export { startHealth, type HealthOptions, type HealthServer, type Verdict } from "./health.ts";
export {
  noMetrics,
  openMetrics,
  type Collected,
  type Counter,
  type Gauge,
  type Histogram,
  type Metrics,
  type Sample,
} from "./metrics.ts";
export type {
  CounterEntry,
  GaugeEntry,
  HistogramEntry,
  LabelsOf,
  LabelValues,
  MetricEntry,
  MetricTable,
} from "./metric-table.ts";
export { boundYoungHeap } from "./young-heap.ts";
export { processMetrics } from "./process-metrics.ts";
export { metricsReference, type MeteredProgram } from "./metrics-reference.ts";
export { configurationReference } from "./reference.ts";
