/**
 * Server-sent events to one reader (https://html.spec.whatwg.org/multipage/server-sent-events.html). What the reader does
 * not take is not kept for it: past a limit the writer has to wait, and a reader that takes nothing for too long is dropped
 * with a last mark.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { withDeadline } from "@herorunner/job";
import { fixedHeaders } from "../http/answer.ts";

export interface StreamLimits {
  /** Streams at once. */
  readonly maxStreams: number;
  /** Bytes that may wait for one reader. */
  readonly maxWaitingBytes: number;
  /** A reader that takes nothing for this long is dropped. */
  readonly patienceMs: number;
  /** How often the key of a stream is looked at again. */
  readonly recheckMs: number;
  /** A comment keeps proxies from closing a quiet stream. */
  readonly heartbeatMs: number;
}

export const defaultStreamLimits: StreamLimits = {
  maxStreams: 100,
  maxWaitingBytes: 1024 * 1024,
  patienceMs: 30_000,
  recheckMs: 60_000,
  heartbeatMs: 15_000,
};

export interface ServerEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: unknown;
}

export class EventStream {
  readonly #response: ServerResponse;
  readonly #limits: StreamLimits;
  readonly #gone = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    limits: StreamLimits,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.#response = response;
    this.#limits = limits;
    response.writeHead(200, {
      ...fixedHeaders,
      ...headers,
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
      "X-Accel-Buffering": "no",
      // It ends when there is nothing more to say; nobody sends a second request on it.
      Connection: "close",
    });
    request.socket.setNoDelay(true);
    response.write("retry: 2000\n\n");
    response.once("close", () => this.#gone.abort());
    this.#heartbeat = setInterval(() => {
      if (response.writableLength === 0) response.write(":\n\n");
    }, limits.heartbeatMs);
    this.signal.addEventListener("abort", () => clearInterval(this.#heartbeat), { once: true });
    // A reader that went while it was signed in has closed already, and does not do so again.
    if (response.destroyed) this.#gone.abort();
  }

  /** Aborts when the reader is gone or was dropped. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** More is waiting for this reader than it may have. */
  get isFull(): boolean {
    return this.#response.writableLength > this.#limits.maxWaitingBytes;
  }

  write({ id, event, data }: ServerEvent): void {
    if (this.signal.aborted) return;
    const head = id === undefined ? "" : `id: ${id}\n`;
    // JSON has no line ends of its own.
    this.#response.write(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Resolves when the reader has room. One that makes none in time is dropped; look at the signal. */
  async room(): Promise<void> {
    if (!this.isFull || this.signal.aborted) return;
    const patience = withDeadline(this.#limits.patienceMs, this.signal);
    try {
      await once(this.#response, "drain", { signal: patience.signal });
    } catch {
      this.drop("slow_reader");
    } finally {
      patience.stop();
    }
  }

  /** Ends the stream with a mark that says why; a reader that comes back asks for the rest by its last id. */
  drop(reason: string): void {
    if (this.signal.aborted) return;
    this.write({ event: "dropped", data: { reason } });
    this.end();
  }

  end(): void {
    this.#gone.abort();
    this.#response.end();
    // What cannot be delivered soon never will be.
    setTimeout(() => this.#response.destroy(), this.#limits.patienceMs).unref();
  }
}
