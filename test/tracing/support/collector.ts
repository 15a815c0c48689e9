/** A collector of our own: takes OTLP as JSON at /v1/traces, keeps every span, and can be made to misbehave. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import { until } from "../../support/until.ts";

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  /** ms, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  /** 2 is an error. */
  readonly status: number;
  readonly statusMessage: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestCollector {
  readonly url: string;
  readonly port: number;
  readonly spans: readonly ReceivedSpan[];
  /** Everything that was sent, as it came. */
  readonly text: string;
  readonly requests: readonly IncomingMessage[];
  /** Resolves when the spans of a trace, or of a job, that are named have come; the first is the job's own. */
  trace(where: Partial<ReceivedSpan> & { readonly job?: string }, names: readonly string[]): Promise<Trace>;
  close(): Promise<void>;
}

export interface Trace {
  readonly spans: readonly ReceivedSpan[];
  readonly span: (name: string) => ReceivedSpan;
}

export interface CollectorOptions {
  readonly port?: number;
  /** PEM texts: it speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** `misbehave` answers in its place; what it is sent is kept all the same. */
export async function startCollector(
  misbehave?: Answer,
  { port = 0, tls }: CollectorOptions = {},
): Promise<TestCollector> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const requests: IncomingMessage[] = [];
  const onRequest: Answer = (request, response) => {
    requests.push(request);
    void readBody(request).then((text) => {
      bodies.push(text);
      if (misbehave !== undefined) return misbehave(request, response);
      spans.push(...spansOf(text));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  };
  const server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const bound = (server.address() as AddressInfo).port; // a TCP server's address is no string
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  onTestFinished(close);
  return {
    ...{
      url: `http${tls === undefined ? "" : "s"}://127.0.0.1:${bound}`,
      port: bound,
      spans,
      requests,
      close,
    },
    get text() {
      return bodies.join("\n");
    },
    trace: async ({ job, ...where }, names) => {
      const found = (): readonly ReceivedSpan[] => {
        const own = spans.find((one) => one.name === "job" && one.attributes["hero.job.id"] === job);
        const traceId = where.traceId ?? own?.traceId;
        return spans.filter((one) => one.traceId === traceId);
      };
      const isThere = (name: string): boolean => found().some((one) => one.name === name);
      await until(() => names.every(isThere), `the spans ${names.join(", ")} have come`);
      return {
        spans: found(),
        span: (name) => found().find((one) => one.name === name)!,
      };
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding was set
  const body = Buffer.concat(chunks);
  return (request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString("utf8");
}

interface Wire {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly WireAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}
interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly WireAttribute[];
  readonly status?: { readonly code?: number; readonly message?: string };
}
interface WireAttribute {
  readonly key: string;
  readonly value: WireValue;
}
type WireValue = Readonly<Record<string, unknown>>;

function spansOf(text: string): readonly ReceivedSpan[] {
  const { resourceSpans } = JSON.parse(text) as Wire; // a test wants it to be that
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        ...{ traceId: span.traceId, spanId: span.spanId, parentSpanId: span.parentSpanId ?? "" },
        ...{ name: span.name, kind: span.kind },
        startMs: Number(BigInt(span.startTimeUnixNano) / 1000n) / 1000,
        endMs: Number(BigInt(span.endTimeUnixNano) / 1000n) / 1000,
        status: span.status?.code ?? 0,
        statusMessage: span.status?.message,
        attributes: plain(span.attributes),
        resource: plain(resource.attributes),
      })),
    ),
  );
}

function plain(attributes: readonly WireAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(value: WireValue): unknown {
  const [[kind, held] = ["", undefined]] = Object.entries(value);
  if (kind === "arrayValue") return (held as { values: WireValue[] }).values.map(valueOf);
  return kind === "intValue" ? Number(held) : held;
}
