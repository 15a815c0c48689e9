/**
 * A small HTTP server for whoever watches the daemon: `/healthz` (does it make progress), `/readyz` (does it take work) and
 * `/metrics`. No key is needed, nothing can be changed through it, and nothing secret is told. It trusts no client: few
 * connections, short deadlines, no bodies, and on a loopback address only names of this host are answered.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import type { Address } from "./options/table.ts";

/** The answer of a check. Good when there are no reasons against it; details go into the answer as they are. */
export interface Verdict {
  /** Sentences for people, as "no successful poll for 12 s". */
  readonly reasons: readonly string[];
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface HealthOptions {
  readonly listen: Address;
  readonly logger: Logger;
  /** `/healthz`: can this process still do its work? A restart should mend what it complains about. */
  readonly healthy: () => Verdict | Promise<Verdict>;
  /** `/readyz`: does it take work now? A draining process does not. */
  readonly ready: () => Verdict | Promise<Verdict>;
  /** `/metrics`; not found without it. */
  readonly metrics?: Metrics;
}

export interface HealthServer {
  /** Where it listens, the port filled in when 0 was asked for. */
  readonly address: Address;
  /** Ends all connections at once. */
  close(): Promise<void>;
}

/** Starts the server. Rejects when the address cannot be had. */
export async function startHealth(options: HealthOptions): Promise<HealthServer> {
  const { createServer } = await import("node:http");
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    void route(request, options).then((reply) => send(request, response, reply));
  };
  const limits = {
    maxHeaderSize: 8192,
    headersTimeout: 5000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5000,
  };
  const server = createServer({ ...limits, connectionsCheckingInterval: 1000 }, answer);
  server.maxConnections = 64;
  server.maxRequestsPerSocket = 1000;
  server.on("clientError", (_error, socket) => socket.destroy());
  const { host, port } = options.listen;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  server.removeAllListeners("error");
  server.on("error", (error) => options.logger.error({ error }, "health server failed"));
  return { address: { host, port: boundPort(server, port) }, close: () => close(server) };
}

function boundPort(server: Server, asked: number): number {
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : asked;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

async function route(request: IncomingMessage, options: HealthOptions): Promise<Reply> {
  try {
    if (request.method !== "GET" && request.method !== "HEAD")
      return json(405, { error: "only GET and HEAD" });
    if (!isAddressedToUs(request, options.listen))
      return json(421, { error: "this host name is not served here" });
    switch (request.url?.split("?", 1)[0]) {
      case "/healthz":
        return verdict(await options.healthy());
      case "/readyz":
        return verdict(await options.ready());
      case "/metrics":
        return options.metrics === undefined ? notFound() : await metricsReply(options.metrics);
      default:
        return notFound();
    }
  } catch (error) {
    options.logger.error({ error, path: request.url }, "health check failed");
    return json(503, { ok: false, reasons: ["the check itself failed, see the log"] });
  }
}

function verdict({ reasons, details = {} }: Verdict): Reply {
  const good = reasons.length === 0;
  return json(good ? 200 : 503, { ...details, ok: good, reasons });
}

async function metricsReply(metrics: Metrics): Promise<Reply> {
  const { contentType, text } = await metrics.scrape();
  return { status: 200, contentType, text };
}

function notFound(): Reply {
  return json(404, { error: "there is /healthz, /readyz and /metrics" });
}

function json(status: number, body: object): Reply {
  return { status, contentType: "application/json", text: `${JSON.stringify(body)}\n` };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, text }: Reply,
): void {
  // A body was not asked for and is not read: the connection it comes on is of no further use.
  const hasBody =
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  response.writeHead(status, {
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...(status === 405 ? { Allow: "GET, HEAD" } : {}),
    ...(hasBody ? { Connection: "close" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

/**
 * A web page can make a browser on this host ask us under a name of its own (DNS rebinding). On a loopback address only
 * loopback names are therefore served. Node takes the first of two Host lines and full URLs as targets; both are refused.
 */
function isAddressedToUs(request: IncomingMessage, listen: Address): boolean {
  if (request.url?.startsWith("/") !== true) return false;
  const hosts = request.rawHeaders.filter(
    (_, at) => at % 2 === 1 && request.rawHeaders[at - 1]?.toLowerCase() === "host",
  );
  if (hosts.length !== 1) return false;
  return !isLoopback(listen.host) || isLoopback(hosts[0]?.replace(/:\d+$/, "") ?? "");
}

function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || /^127(?:\.\d{1,3}){3}$/.test(name);
}
