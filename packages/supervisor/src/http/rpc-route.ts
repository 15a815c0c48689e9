/** JSON-RPC over HTTP: POST with a key and a JSON body; 204 when there was nothing to answer. */
import type { ServerResponse } from "node:http";
import { dispatch, errorText } from "../rpc/dispatch.ts";
import { RpcError } from "../rpc/errors.ts";
import type { Call } from "../rpc/method.ts";
import type { Answer } from "./answer.ts";
import { loginFor, type Visit } from "./visit.ts";
import { type Body, refuseKind } from "./body.ts";

/** Waits of one HTTP request, all together. */
const maxWaitMs = 300_000;

export async function answerRpc(visit: Visit): Promise<Answer | undefined> {
  const { app, request, response, cors } = visit;
  const { principal } = await loginFor(visit, undefined);
  const wrongKind = refuseKind(request);
  if (wrongKind !== undefined) return asRpc(wrongKind, String(wrongKind.body));
  const body = await app.bodies.read(request);
  if (!body.ok && body.why === "busy") app.onLimited("busy");
  if (!body.ok) return refuseBody(body.why, app.rpc.maxBodyBytes);
  const patience = new Patience(response, app.draining);
  try {
    const call: Call = {
      services: app.services,
      principal,
      patience,
      waitUntilMs: performance.now() + maxWaitMs,
      traceparent: request.headers["traceparent"]?.toString(),
    };
    const { text, httpStatus } = await dispatch(body.text, call, app.rpc);
    return text === undefined
      ? { status: httpStatus, headers: cors }
      : { status: httpStatus, body: text, headers: cors };
  } finally {
    patience.end();
    body.release();
  }
}

/**
 * The signal of one request: its caller is gone, or the supervisor stops. Made for those few that wait, and taken off the
 * supervisor's own signal afterwards: that one lives on and would remember every request there ever was.
 */
class Patience {
  readonly #response: ServerResponse;
  readonly #draining: AbortSignal;
  #controller: AbortController | undefined;

  constructor(response: ServerResponse, draining: AbortSignal) {
    this.#response = response;
    this.#draining = draining;
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = new AbortController();
    this.#controller = controller;
    if (this.#response.destroyed || this.#draining.aborted) controller.abort();
    this.#response.on("close", this.#abort);
    this.#draining.addEventListener("abort", this.#abort);
    return controller.signal;
  }

  readonly #abort = (): void => this.#controller?.abort();

  end(): void {
    if (this.#controller === undefined) return;
    this.#response.off("close", this.#abort);
    this.#draining.removeEventListener("abort", this.#abort);
  }
}

function asRpc(answer: Answer, sentence: string): Answer {
  const { error = sentence } = JSON.parse(sentence) as { error?: string }; // made by refusal() a moment ago
  return {
    ...answer,
    body: errorText(null, new RpcError("invalid_request", error, { reason: "wrong_kind" })),
  };
}

function refuseBody(why: Extract<Body, { ok: false }>["why"], maxBytes: number): Answer | undefined {
  switch (why) {
    case "too_large": {
      const sentence = `the body is longer than ${maxBytes} bytes`;
      const error = new RpcError("invalid_request", sentence, { reason: "body_too_large" });
      return { status: 413, body: errorText(null, error), close: true };
    }
    case "busy": {
      const error = new RpcError("too_many_requests", "too many large bodies at once", { reason: "busy" });
      return { status: 429, body: errorText(null, error), headers: { "Retry-After": "1" }, close: true };
    }
    case "not_utf8": {
      const error = new RpcError("parse_error", "parse error: the body is not UTF-8");
      return { status: 200, body: errorText(null, error) };
    }
    case "aborted":
      return undefined;
  }
}
