/** JSON-RPC over HTTP: POST with a key and a JSON body; 204 when there was nothing to answer. */
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
  if (!body.ok) return refuseBody(body.why, app.rpc.maxBodyBytes);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    const call: Call = {
      services: app.services,
      principal,
      signal: AbortSignal.any([gone.signal, app.draining]),
      waitUntilMs: performance.now() + maxWaitMs,
    };
    const { text, httpStatus } = await dispatch(body.text, call, app.rpc);
    return text === undefined
      ? { status: httpStatus, headers: cors }
      : { status: httpStatus, body: text, headers: cors };
  } finally {
    body.release();
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
