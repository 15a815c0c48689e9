/**
 * The way to one collector: OTLP as JSON over HTTP, over one connection. Redirects are answers like any other, and no proxy
 * is asked that nobody named here. A request that hangs, or is answered drop by drop, is cut off.
 */
import type { Agent } from "node:http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { collectorAgent } from "./collector-agent.ts";
import type { TracingOptions } from "./tracing.ts";

/** For one batch, with the library's tries again. */
const timeoutMs = 5_000;
/** Beyond it, for an answer that never ends. */
const hangMs = 7_000;

type Env = TracingOptions["env"];

export class Collector {
  readonly #agent: Agent;
  readonly #exporter: OTLPTraceExporter;
  readonly #cut = new AbortController();
  /** Resolves with cut(). */
  readonly whenCut: Promise<void>;

  /** Throws when a certificate that `env` names cannot be read. */
  constructor(url: string, env: Env) {
    this.#agent = collectorAgent(url, env);
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
