/**
 * The way to one collector: OTLP as JSON over HTTP, over one connection. Redirects are answers like any other, and no proxy
 * is asked that nobody named here. A request that hangs, or is answered drop by drop, is cut off.
 */
import { readFileSync } from "node:fs";
import { Agent as PlainAgent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { TracingOptions } from "./tracing.ts";

/** For one batch, with the library's tries again. */
const timeoutMs = 5_000;
/** Beyond it, for an answer that never ends. */
const hangMs = 7_000;

type Env = TracingOptions["env"];

export class Collector {
  readonly #agent: PlainAgent;
  readonly #exporter: OTLPTraceExporter;
  readonly #cut = new AbortController();
  /** Resolves with cut(). */
  readonly whenCut: Promise<void>;

  /** Throws when a certificate that `env` names cannot be read. */
  constructor(url: string, env: Env) {
    this.#agent = agentFor(url, env);
    this.whenCut = new Promise((resolve) => this.#cut.signal.addEventListener("abort", () => resolve()));
    this.#exporter = new OTLPTraceExporter({
      url,
      timeoutMillis: timeoutMs,
      concurrencyLimit: 1,
      httpAgentOptions: () => this.#agent,
      // Asked before each try: after the end there is no other one. Those of the environment are added.
      headers: () => (this.#cut.signal.aborted ? Promise.reject(new CutOff()) : Promise.resolve({})),
    });
  }

  /** Rejects when they were not taken. One call at a time. */
  async send(spans: readonly ReadableSpan[]): Promise<void> {
    const hangs = setTimeout(() => this.#destroySockets(), hangMs).unref();
    try {
      await new Promise<void>((resolve, reject) => {
        // A failure always brings its error.
        this.#exporter.export([...spans], ({ error }) => {
          if (error === undefined) resolve();
          else reject(error);
        });
      });
    } finally {
      clearTimeout(hangs);
    }
  }

  /** For good: what is on its way fails, and nothing more is tried. */
  cut(): void {
    this.#cut.abort();
    this.#destroySockets();
    this.#agent.destroy();
  }

  #destroySockets(): void {
    for (const sockets of Object.values(this.#agent.sockets)) {
      for (const socket of sockets ?? []) socket.destroy(new CutOff());
    }
  }
}

/** Its code is none that the library tries again after. */
class CutOff extends Error {
  readonly code = "ECANCELED";

  constructor() {
    super("it did not answer in time");
  }
}

function agentFor(url: string, env: Env): PlainAgent {
  const options = { keepAlive: true, maxSockets: 1 };
  if (!/^https:/i.test(url)) return new PlainAgent(options);
  const read = (name: string) => {
    const path = env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`];
    return path ? readFileSync(path) : undefined;
  };
  const [ca, cert, key] = [read("CERTIFICATE"), read("CLIENT_CERTIFICATE"), read("CLIENT_KEY")];
  return new TlsAgent({ ...options, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
}
