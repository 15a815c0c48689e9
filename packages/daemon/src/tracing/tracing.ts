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
  if (endpoint === undefined) {
    const name = unusableVariable(env);
    if (name !== undefined)
      logger.error({}, `${name} does not begin with http:// or https://; no traces are sent`);
    return undefined;
  }
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

/** How a collector took an empty batch. */
export type CollectorTrial =
  /** No traces are wanted. */
  | { readonly kind: "off" }
  /** A variable holds an endpoint that is none of ours. */
  | { readonly kind: "unusable"; readonly variable: string }
  /** `host` is host and port: the rest of an endpoint may carry a key. */
  | { readonly kind: "answered"; readonly host: string; readonly status: number }
  /** `code` as Node names it; `file` when it is one that the variables name. */
  | {
      readonly kind: "failed";
      readonly host: string;
      readonly code: string;
      readonly file: string | undefined;
    };

/** Whether spans would be taken, tried once, with nothing to take. No secret is in the answer. */
export async function tryCollector(
  { endpoint, env }: Pick<TracingOptions, "endpoint" | "env">,
  deadlineMs: number,
): Promise<CollectorTrial> {
  if (isOff(env)) return { kind: "off" };
  if (endpoint === undefined) {
    const variable = unusableVariable(env);
    return variable === undefined ? { kind: "off" } : { kind: "unusable", variable };
  }
  const url = tracesUrl(endpoint, env);
  const { host } = new URL(url);
  try {
    const { askCollector } = await import("./ask-collector.ts");
    return { kind: "answered", host, status: await askCollector(url, env, deadlineMs) };
  } catch (error) {
    const word = (name: "code" | "path"): string | undefined => {
      const value: unknown = error instanceof Error ? Reflect.get(error, name) : undefined;
      return typeof value === "string" ? value : undefined;
    };
    return { kind: "failed", host, code: word("code") ?? "unknown", file: word("path") };
  }
}

/** The two standard ways of saying no. */
function isOff(env: TracingOptions["env"]): boolean {
  return env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || env["OTEL_TRACES_EXPORTER"] === "none";
}

const endpointVariables = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] as const;

/** Such a variable is often set for a whole host, and may mean something that we do not speak. */
function unusableVariable(env: TracingOptions["env"]): string | undefined {
  return endpointVariables.find((name) => env[name]);
}

/** The variable for traces holds the whole URL, everything else the beginning of it. */
function tracesUrl(endpoint: string, env: TracingOptions["env"]): string {
  if (endpoint === env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]) return endpoint;
  const url = new URL(endpoint);
  if (!url.pathname.endsWith("/v1/traces")) url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return url.href;
}
