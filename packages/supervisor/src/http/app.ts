/**
 * Every route on one screen, and the order in which a request is looked at: form and host, route, key, kind of body, body,
 * call. Nothing before the key costs more than a few comparisons.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Verdict } from "@herorunner/daemon";
import { type Answer, json, refusal, send } from "./answer.ts";
import { jobOutput, openJobLog } from "./job-routes.ts";
import { openEvents } from "./event-routes.ts";
import { pageRoutes } from "../page/routes.ts";
import { RpcError, rpcCodes } from "../rpc/errors.ts";
import { answerRpc } from "./rpc-route.ts";
import { closeSession, openSession, showSession } from "./session-routes.ts";
import { type AppOptions, refuseWith, type Visit } from "./visit.ts";

/** Undefined when the route answers by itself. */
type Handler = (visit: Visit) => Answer | undefined | Promise<Answer | undefined>;

interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: RegExp;
  readonly run: Handler;
}

const id = "(?<id>[A-Za-z0-9._-]{1,128})";
const routes: readonly Route[] = [
  { method: "POST", path: /^\/(rpc)?$/, run: answerRpc },
  { method: "GET", path: new RegExp(`^/jobs/${id}/log$`), run: openJobLog },
  { method: "GET", path: new RegExp(`^/jobs/${id}/output$`), run: jobOutput },
  { method: "GET", path: /^\/events$/, run: openEvents },
  { method: "GET", path: /^\/session$/, run: showSession },
  { method: "POST", path: /^\/session$/, run: openSession },
  { method: "DELETE", path: /^\/session$/, run: closeSession },
  { method: "GET", path: /^\/openrpc\.json$/, run: ({ app, cors }) => json(200, app.openRpc(), cors) },
  { method: "GET", path: /^\/healthz$/, run: ({ app }) => verdict({ reasons: [] }, app) },
  { method: "GET", path: /^\/readyz$/, run: async ({ app }) => verdict(await app.ready(), app) },
  { method: "GET", path: /^\/metrics$/, run: scrape },
  ...pageRoutes,
];

/** Answers one request. Never rejects. */
export async function visit(
  app: AppOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let answer: Answer | undefined;
  try {
    answer = app.guard.refuse(request) ?? (await route(app, request, response));
  } catch (error) {
    if (error instanceof RpcError && error.code === rpcCodes.too_many_requests)
      app.onLimited(error.data.reason);
    answer = refuseWith(error, app.logger, request.method === "POST");
  }
  // A body that nobody read must not be taken for the next request.
  if (answer !== undefined) send(response, { ...answer, close: answer.close === true || !request.complete });
}

async function route(
  app: AppOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | undefined> {
  const [path = "/", search = ""] = (request.url ?? "/").split("?", 2);
  const origin = app.guard.foreignOrigin(request);
  const cors: Record<string, string> = origin === undefined ? {} : corsHeaders(origin);
  if (request.method === "OPTIONS") {
    return origin === undefined
      ? refusal(403, "there is nothing here for other origins")
      : { status: 204, headers: cors };
  }
  const method = request.method === "HEAD" ? "GET" : request.method;
  for (const { method: own, path: pattern, run } of routes) {
    const found = own === method ? pattern.exec(path) : null;
    if (found === null) continue;
    const parts = { ...found.groups };
    return run({ app, request, response, path, query: new URLSearchParams(search), parts, cors });
  }
  const file = method === "GET" ? app.files(path, request) : undefined;
  if (file !== undefined) return file;
  const allowed = routes.filter((one) => one.path.test(path)).map((one) => one.method);
  if (allowed.length > 0)
    return refusal(405, `${path} takes ${allowed.join(", ")}`, { Allow: allowed.join(", ") });
  return method === "GET"
    ? refusal(404, "there is nothing here")
    : refusal(405, "only GET here", { Allow: "GET" });
}

function corsHeaders(origin: string): Record<string, string> {
  return {
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID, Traceparent",
    "Access-Control-Max-Age": "600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    Vary: "Origin",
  };
}

function verdict({ reasons, details = {} }: Verdict, app: AppOptions): Answer {
  const good = reasons.length === 0;
  return json(good ? 200 : 503, { ...details, ok: good, draining: app.draining.aborted, reasons });
}

async function scrape({ app }: Visit): Promise<Answer> {
  const { contentType, text } = await app.metrics.scrape();
  return { status: 200, contentType, body: text };
}
