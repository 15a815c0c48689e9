/**
 * A client of the supervisor, typed from the supervisor's own method table. Needs nothing but `fetch`.
 *
 *   const rpc = new RpcClient({ url: "http://127.0.0.1:8082", key });
 *   const { id } = await rpc.call("job.run", { runner: "my-hero-runner", payload: 'print("hello")' });
 *   for await (const event of rpc.followLog(id)) if (event.event === "out") process.stdout.write(event.data.data);
 */
import type { z } from "zod";
import { eventsOf, type SentEvent } from "./client-events.ts";
import type { Methods } from "./rpc/methods.ts";

export type MethodName = keyof Methods;
export type MethodParams<M extends MethodName> = z.input<Methods[M]["params"]>;
export type MethodResult<M extends MethodName> = z.output<Methods[M]["result"]>;

export interface RpcClientOptions {
  /** Where the supervisor is, as `http://127.0.0.1:8082`. */
  readonly url: string;
  /** The admin secret or an API key. */
  readonly key: string;
  /** Stands in for the global one, in tests. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What the supervisor refused, or that it could not be reached. */
export class SupervisorError extends Error {
  override readonly name = "SupervisorError";
  /** The JSON-RPC code, see docs/rpc.md; 0 when there was no answer that could be read. */
  readonly code: number;
  /** A word to match on, as `not_found` or `unavailable`. */
  readonly reason: string;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: number,
    message: string,
    data: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.data = data;
    this.reason = typeof data["reason"] === "string" ? data["reason"] : "unavailable";
  }
}

/** An event of a job's log. `id` is the seq: pass the last one on to go on from there. */
export type LogEvent =
  | {
      readonly event: "out" | "err";
      readonly id: number;
      readonly data: { readonly offset: number; readonly data: string };
    }
  | {
      readonly event: "gap";
      readonly data: { readonly stream?: "out" | "err"; readonly bytes?: number; readonly entries?: number };
    }
  | { readonly event: "end"; readonly data: { readonly status: string; readonly reason?: string } }
  | { readonly event: "dropped"; readonly data: { readonly reason: string } };

export class RpcClient {
  readonly #url: string;
  readonly #key: string;
  readonly #fetch: typeof fetch;
  #calls = 0;

  constructor({ url, key, fetch: own = fetch }: RpcClientOptions) {
    this.#url = url.replace(/\/+$/, "");
    this.#key = key;
    this.#fetch = own;
  }

  /** Throws SupervisorError; rejects with the signal's reason on abort. */
  async call<M extends MethodName>(
    method: M,
    params: MethodParams<M>,
    options: CallOptions = {},
  ): Promise<MethodResult<M>> {
    const id = (this.#calls += 1);
    const response = await this.#request("/rpc", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id, method, params }),
      signal: options.signal ?? null,
    });
    const answer = readAnswer(await textOf(response, options.signal));
    if (answer === undefined || !("result" in answer || "error" in answer)) {
      throw new SupervisorError(0, `the answer (HTTP ${response.status}) is no JSON-RPC response`);
    }
    if (answer.error !== undefined) throw readError(answer.error);
    return answer.result as MethodResult<M>; // the supervisor's tests hold its results to their schemas
  }

  /**
   * Live output of a job, from the start or after an event, until `end` or `dropped`. Throws SupervisorError, rejects with the
   * signal's reason on abort. Reconnecting is the caller's choice.
   */
  async *followLog(
    id: string,
    options: CallOptions & { readonly after?: number; readonly runner?: string } = {},
  ): AsyncGenerator<LogEvent, void, undefined> {
    const query = new URLSearchParams({ after: String(options.after ?? 0) });
    if (options.runner !== undefined) query.set("runner", options.runner);
    const path = `/jobs/${encodeURIComponent(id)}/log?${query.toString()}`;
    for await (const event of this.#stream(path, options.signal)) {
      const data: unknown = JSON.parse(event.data);
      const named = { event: event.event, data, ...(event.id === undefined ? {} : { id: Number(event.id) }) };
      yield named as LogEvent; // docs/rpc.md says which events there are
      if (event.event === "end" || event.event === "dropped") return;
    }
  }

  /** State changes of jobs and runners, until aborted or dropped. */
  async *events(
    options: CallOptions & { readonly runner?: string } = {},
  ): AsyncGenerator<{ readonly event: string; readonly data: unknown }, void, undefined> {
    const query = options.runner === undefined ? "" : `?runner=${encodeURIComponent(options.runner)}`;
    for await (const { event, data } of this.#stream(`/events${query}`, options.signal)) {
      yield { event, data: JSON.parse(data) as unknown }; // JSON.parse answers any
    }
  }

  async *#stream(path: string, signal: AbortSignal | undefined): AsyncGenerator<SentEvent, void, undefined> {
    const response = await this.#request(path, { signal: signal ?? null });
    if (!response.ok || response.body === null) {
      const answer = readAnswer(await textOf(response, signal));
      const message = typeof answer?.error === "string" ? answer.error : `HTTP ${response.status}`;
      throw new SupervisorError(0, message, { ...answer });
    }
    try {
      yield* eventsOf(response.body);
    } catch (error) {
      signal?.throwIfAborted();
      throw new SupervisorError(0, "the connection broke while events came", {}, { cause: error });
    }
  }

  async #request(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.#key}`);
    try {
      return await this.#fetch(`${this.#url}${path}`, { ...init, headers, redirect: "error" });
    } catch (error) {
      init.signal?.throwIfAborted();
      throw new SupervisorError(0, `the supervisor at ${this.#url} is not reachable`, {}, { cause: error });
    }
  }
}

interface Answer {
  readonly result?: unknown;
  readonly error?: unknown;
}

async function textOf(response: Response, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    throw new SupervisorError(0, "the connection broke before the answer was complete", {}, { cause: error });
  }
}

function readAnswer(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function readError(error: unknown): SupervisorError {
  const { code, message, data } = { ...(error as Record<string, unknown>) }; // any value spreads; its members are checked
  return new SupervisorError(
    typeof code === "number" ? code : 0,
    typeof message === "string" ? message : "an error without a message",
    typeof data === "object" && data !== null ? { ...data } : {},
  );
}
