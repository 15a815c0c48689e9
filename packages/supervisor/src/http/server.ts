/**
 * The HTTP server with its limits: short deadlines for headers and bodies, few connections, and when they are all taken one
 * makes room that says nothing, so that such sockets cannot keep others out.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface ServerLimits {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxRequestsPerSocket: number;
}

export const defaultLimits: ServerLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxConnections: 512,
  maxRequestsPerSocket: 1_000,
};

export interface HttpServer {
  /** The port, filled in when 0 was asked for. */
  readonly port: number;
  readonly connections: number;
  /** Takes no more connections and ends idle ones; resolves when the rest is gone, which `force` sees to. */
  close(force: AbortSignal): Promise<void>;
}

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: ServerLimits;
  /** Must not throw. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onError: (error: Error) => void;
}

/** Rejects when the address cannot be had. */
export async function startServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, limits, onRequest, onError } = options;
  const server = createServer({
    maxHeaderSize: 16 * 1024,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: 30_000,
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
  });
  const sockets = new Connections(limits.maxConnections);
  server.maxRequestsPerSocket = limits.maxRequestsPerSocket;
  server.on("connection", (socket) => sockets.add(socket));
  server.on("request", (request, response) => {
    sockets.busy(request.socket);
    response.once("close", () => sockets.idle(request.socket));
    onRequest(request, response);
  });
  server.on("clientError", (_error, socket) => {
    const answer = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    if (socket.writable) socket.end(answer, () => socket.destroy());
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  server.removeAllListeners("error");
  server.on("error", onError);
  return {
    port: boundPort(server, port),
    get connections() {
      return sockets.size;
    },
    close: (force) => close(server, sockets, force),
  };
}

function boundPort(server: Server, asked: number): number {
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : asked;
}

function close(server: Server, sockets: Connections, force: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    sockets.endIdle();
    const endAll = (): void => server.closeAllConnections();
    if (force.aborted) endAll();
    else force.addEventListener("abort", endAll, { once: true });
  });
}

/** All open sockets. When there are too many, one goes that never asked for anything, else one that is idle; the oldest. */
class Connections {
  readonly #max: number;
  readonly #silent = new Set<Socket>();
  readonly #idle = new Set<Socket>();
  readonly #busy = new Set<Socket>();
  #closing = false;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#silent.size + this.#idle.size + this.#busy.size;
  }

  add(socket: Socket): void {
    socket.once("close", () => this.#forget(socket));
    this.#silent.add(socket);
    if (this.size <= this.#max) return;
    const [oldest = socket] = this.#silent.size > 1 ? this.#silent : [...this.#idle, socket];
    this.#forget(oldest);
    oldest.destroy();
  }

  busy(socket: Socket): void {
    if (socket.destroyed) return;
    this.#forget(socket);
    this.#busy.add(socket);
  }

  idle(socket: Socket): void {
    if (this.#busy.delete(socket)) this.#idle.add(socket);
    if (this.#closing) socket.end();
  }

  /** And those that become idle from now on. */
  endIdle(): void {
    this.#closing = true;
    for (const socket of [...this.#silent, ...this.#idle]) socket.destroy();
  }

  #forget(socket: Socket): void {
    for (const sockets of [this.#silent, this.#idle, this.#busy]) sockets.delete(socket);
  }
}
