/** Tracing by OpenTelemetry's SDK. Loaded only where an endpoint is configured, because it costs megabytes. */
import { randomUUID } from "node:crypto";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from "@opentelemetry/api";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { Collector } from "./collector.ts";
import { samplerOf } from "./sampler.ts";
import { SpanQueue } from "./span-queue.ts";
import { parseTraceparent, traceparentOf } from "./traceparent.ts";
import type { Span, SpanAttributes, SpanStart, Tracing, TracingOptions } from "./tracing.ts";

const maxBatch = 512;
/** Unless the standard variables say otherwise. */
const usual = { maxWaiting: 2_048, delayMs: 2_000 } as const;
/** When the program ends: for what waits. */
const flushMs = 3_000;
const maxAttributeLength = 1_024;

export interface OtlpOptions extends TracingOptions {
  readonly url: string;
  readonly host: string;
}

/** Throws when the variables name certificates that cannot be read. */
export function startTracing({ serviceName, version, url, host, env, logger }: OtlpOptions): Tracing {
  const collector = new Collector(url, env);
  const maxWaiting = positive(env["OTEL_BSP_MAX_QUEUE_SIZE"]) ?? usual.maxWaiting;
  const queue = new SpanQueue({
    ...{ send: (spans) => collector.send(spans), logger, maxWaiting },
    maxBatch: Math.min(maxBatch, maxWaiting),
    delayMs: positive(env["OTEL_BSP_SCHEDULE_DELAY"]) ?? usual.delayMs,
  });
  const about = resourceFromAttributes({
    "service.name": serviceName,
    "service.version": version,
    "service.instance.id": randomUUID(),
    "host.name": host,
    "process.pid": process.pid,
  });
  const provider = new TracerProvider({
    // What the operator says in OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME comes last and counts.
    resource: defaultResource()
      .merge(about)
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(env, logger),
    spanLimits: { attributeValueLengthLimit: maxAttributeLength },
    spanProcessors: [queue],
  });
  const tracer = provider.getTracer(serviceName, version);
  // Without path and query: some carry a key.
  logger.info({ collector: new URL(url).host }, "traces are sent");
  return {
    start: (name, start) => spanOf(tracer, name, start),
    counts: () => queue.counts,
    close: async () => {
      const late = setTimeout(() => collector.cut(), flushMs);
      // A collector that took nothing lately is not waited for at the end.
      if (queue.isFailing) collector.cut();
      else await Promise.race([queue.forceFlush(), collector.whenCut]);
      await queue.shutdown();
      clearTimeout(late);
      collector.cut();
    },
  };
}

/** At most a million: it is a number of spans in memory, or of milliseconds. */
function positive(text: string | undefined): number | undefined {
  const value = /^\d{1,7}$/.test(text ?? "") ? Number(text) : 0;
  return value > 0 && value <= 1_000_000 ? value : undefined;
}

const kinds = {
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

function spanOf(tracer: ReturnType<TracerProvider["getTracer"]>, name: string, start: SpanStart): Span {
  const { kind = "internal", parent, startMs: startTime, attributes = {} } = start;
  const place = parseTraceparent(parent);
  const context =
    place === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, {
          ...{ traceId: place.traceId, spanId: place.spanId, isRemote: true },
          traceFlags: place.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        });
  const options = { kind: kinds[kind], startTime, attributes: mutable(attributes) };
  const span = tracer.startSpan(name, options, context);
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: traceparentOf({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }),
    recorded: span.isRecording(),
    set: (more) => void span.setAttributes(mutable(more)),
    fail: (reason) => {
      span.setAttribute("error.type", reason);
      span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
    },
    end: (endMs) => span.end(Math.max(endMs, startTime)),
  };
}

/** The library's type asks for lists that may be changed. */
function mutable(attributes: SpanAttributes): Record<string, string | number | boolean | string[]> {
  const entries = Object.entries(attributes).map(
    ([name, value]) => [name, typeof value === "object" ? [...value] : value] as const,
  );
  return Object.fromEntries(entries);
}
