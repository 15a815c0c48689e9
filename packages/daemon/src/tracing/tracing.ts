/**
 * Spans: what a program did for one job, and when, sent to a collector over OTLP/HTTP. Without an endpoint nothing of
 * OpenTelemetry is loaded. A collector that is away, slow or wrong costs spans, which are counted, and nothing else.
 */
import { hostname } from "node:os";
import type { Logger } from "../logger.ts";

export type SpanAttributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface SpanStart {
  readonly kind?: "internal" | "producer" | "consumer";
  /** A W3C traceparent. Without one, or with one that is none, a trace begins. */
  readonly parent?: string | undefined;
  /** Wall clock, ms. */
  readonly startMs: number;
  readonly attributes?: SpanAttributes;
}

export interface Span {
  /** Where this span is, for those below it. */
  readonly traceparent: string;
  /** False when its trace is not kept: then nothing of it is sent, and nothing below it should be begun. */
  readonly recorded: boolean;
  set(attributes: SpanAttributes): void;
  /** Ended badly; `reason` is a word of a closed list. */
  fail(reason: string): void;
  /** Once. An end before the start counts as the start. */
  end(endMs: number): void;
}

export interface SpanCounts {
  readonly sent: number;
  readonly dropped: number;
}

export interface Tracing {
  start(name: string, start: SpanStart): Span;
  counts(): SpanCounts;
  /** Sends what waits, within a few seconds, and lets go of the collector. */
  close(): Promise<void>;
}

export interface TracingOptions {
  /** `--otlp-endpoint`. */
  readonly endpoint: string | undefined;
  readonly serviceName: string;
  readonly version: string;
  /** Of the process: the standard variables that begin with OTEL_. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/** Wall clock, ms, that never goes back: read once, then counted on. One for all spans of a job. */
export function traceClock(): () => number {
  const [wallMs, monotonicMs] = [Date.now(), performance.now()];
  return () => wallMs + (performance.now() - monotonicMs);
}

/** Undefined when no traces are wanted, or they cannot be made; the log says why. */
export async function openTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const { endpoint, env, logger } = options;
  if (isOff(env)) return undefined;
  if (endpoint === undefined) return unusable(env, logger);
  if (env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] === "grpc" || env["OTEL_EXPORTER_OTLP_PROTOCOL"] === "grpc") {
    logger.error(
      {},
      "OTEL_EXPORTER_OTLP_PROTOCOL is grpc; traces are sent as http/json, to the port for HTTP",
    );
  }
  try {
    const { startTracing } = await import("./otlp.ts");
    return startTracing({ ...options, url: tracesUrl(endpoint, env), host: hostname() });
  } catch (error) {
    logger.error({ error }, "traces cannot be made; everything else goes on without them");
    return undefined;
  }
}

/** The two standard ways of saying no. */
function isOff(env: TracingOptions["env"]): boolean {
  return env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || env["OTEL_TRACES_EXPORTER"] === "none";
}

const endpointVariables = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] as const;

/** Such a variable is often set for a whole host, and may mean something that we do not speak. */
function unusable(env: TracingOptions["env"], logger: Logger): undefined {
  const name = endpointVariables.find((each) => env[each]);
  if (name !== undefined)
    logger.error({}, `${name} does not begin with http:// or https://; no traces are sent`);
}

/** The variable for traces holds the whole URL, everything else the beginning of it. */
function tracesUrl(endpoint: string, env: TracingOptions["env"]): string {
  if (endpoint === env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]) return endpoint;
  const url = new URL(endpoint);
  if (!url.pathname.endsWith("/v1/traces")) url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return url.href;
}
