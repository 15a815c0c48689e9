/** One request on its way through the routes: what it may use, who sends it, and how it is refused. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger, Metrics, Verdict } from "@herorunner/daemon";
import { type LoggedIn, type Login, TooManyFailures } from "../auth/login.ts";
import { mayUse, type Scope } from "../auth/principal.ts";
import type { Sessions } from "../auth/sessions.ts";
import type { DispatchOptions } from "../rpc/dispatch.ts";
import { httpStatusOf, internalError, RpcError, toRpcError } from "../rpc/errors.ts";
import type { Call, Services } from "../rpc/method.ts";
import type { EventHub } from "../sse/event-hub.ts";
import type { Streams } from "../sse/streams.ts";
import { type Answer, json } from "./answer.ts";
import type { BodyReader } from "./body.ts";
import type { Guard } from "./guard.ts";
import type { PageFiles } from "../page/page-files.ts";

export interface RpcOptions extends DispatchOptions<Call> {
  readonly maxBodyBytes: number;
}

export interface AppOptions {
  readonly services: Services;
  readonly login: Login;
  readonly sessions: Sessions;
  readonly guard: Guard;
  readonly bodies: BodyReader;
  readonly streams: Streams;
  readonly hub: EventHub;
  readonly files: PageFiles;
  readonly rpc: RpcOptions;
  readonly openRpc: () => unknown;
  readonly metrics: Metrics;
  /** Told of requests that were answered with 429, and why. */
  readonly onLimited: (reason: string) => void;
  readonly ready: () => Promise<Verdict>;
  /** Aborts when the supervisor stops. */
  readonly draining: AbortSignal;
  /** Where the request comes from, for counting wrong keys. */
  readonly addressOf: (request: IncomingMessage) => string;
  readonly logger: Logger;
}

/** One request on its way. */
export interface Visit {
  readonly app: AppOptions;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The parts of the path that the route's pattern names. */
  readonly parts: Readonly<Record<string, string>>;
  /** CORS headers where a page of another origin may ask. */
  readonly cors: Readonly<Record<string, string>>;
}

/** Who asks, when it may do this. Throws RpcError. */
export async function loginFor({ app, request }: Visit, scope: Scope | undefined): Promise<LoggedIn> {
  const login = await app.login.check(request, app.addressOf(request));
  const reads = request.method === "GET" || request.method === "HEAD";
  // A cookie travels with whatever a browser is made to send.
  if (login.via === "cookie" && !reads && !app.guard.isFromOwnPage(request)) {
    throw new RpcError("forbidden", "a session can be used by the page of this server only", {
      reason: "cross_site",
    });
  }
  if (scope !== undefined && !mayUse(login.principal, scope)) {
    throw new RpcError("forbidden", `this needs the scope ${scope}`, {
      hint: `Use a key with the scope ${scope}.`,
    });
  }
  return login;
}

/** A refusal that was thrown, for routes that do not speak JSON-RPC; with its envelope for those that do. */
export function refuseWith(error: unknown, logger: Logger, asRpc: boolean): Answer {
  const known = toRpcError(error);
  if (known === undefined) logger.error({ error }, "a request failed, this is a bug");
  const shown = known ?? internalError;
  const status = httpStatusOf.get(shown.code) ?? plainStatus(shown, asRpc);
  const wait = error instanceof TooManyFailures ? { "Retry-After": String(error.retryAfterSeconds) } : {};
  const challenge = status === 401 ? { "WWW-Authenticate": 'Bearer realm="herosupervisor"' } : {};
  const { code, message, data } = shown;
  const body = asRpc
    ? { jsonrpc: "2.0", error: { code, message, data }, id: null }
    : { error: message, ...data };
  return json(status, body, { ...wait, ...challenge });
}

function plainStatus({ code, data }: RpcError, asRpc: boolean): number {
  if (asRpc) return 200;
  if (code === -32004) return 404;
  if (code === -32602) return 400;
  if (code === -32009 || code === -32011) return 409;
  return data.reason === "internal" ? 500 : 503;
}
