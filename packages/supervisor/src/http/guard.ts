/**
 * Which requests are looked at at all. A web page can make a browser ask us under a name of its own (DNS rebinding), or send
 * a form to us; a raw client can send two Host lines or a whole URL. All of them end here.
 */
import type { IncomingMessage } from "node:http";
import { hostname } from "node:os";
import { type Answer, refusal } from "./answer.ts";

export interface GuardOptions {
  /** Names this server has beside those of its own address, as `host` or `host:port`. */
  readonly allowedHosts: readonly string[];
  /** Origins of pages elsewhere that may use the API with a key, as `https://host:port`. */
  readonly allowedOrigins: readonly string[];
  /** A proxy in front speaks TLS with the browser. */
  readonly behindTls: boolean;
}

export class Guard {
  readonly #options: GuardOptions;
  readonly #ownName = hostname().toLowerCase();
  readonly #hosts: ReadonlySet<string>;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#hosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  }

  /** Why this request is refused, or undefined. */
  refuse(request: IncomingMessage): Answer | undefined {
    const { url = "" } = request;
    if (!url.startsWith("/") || url.startsWith("//")) return refusal(400, "the target must be a path");
    const hosts = headerValues(request, "host");
    const [host] = hosts;
    if (hosts.length !== 1 || host === undefined)
      return refusal(400, "there must be exactly one Host header");
    if (!this.#isOurs(host, request)) {
      return refusal(421, "this host name is not served here; the operator can add it with --allow-host");
    }
    if (headerValues(request, "authorization").length > 1) {
      return refusal(400, "there must be at most one Authorization header");
    }
    return this.#refuseOrigin(request, host);
  }

  /** The origin to name in CORS headers, when the request comes from a page elsewhere that may ask. */
  foreignOrigin(request: IncomingMessage): string | undefined {
    const { origin } = request.headers;
    return origin !== undefined && this.#options.allowedOrigins.includes(origin) ? origin : undefined;
  }

  /** The request comes from our own page: what a cookie needs beside itself to change anything. */
  isFromOwnPage(request: IncomingMessage): boolean {
    const { origin, host = "" } = request.headers;
    if (origin !== undefined) return this.#isOwnOrigin(origin, host);
    return request.headers["sec-fetch-site"] === "same-origin";
  }

  #refuseOrigin(request: IncomingMessage, host: string): Answer | undefined {
    const origins = headerValues(request, "origin");
    const [origin] = origins;
    if (origins.length > 1) return refusal(400, "there must be at most one Origin header");
    if (this.foreignOrigin(request) !== undefined) return undefined;
    if (origin !== undefined && !this.#isOwnOrigin(origin, host)) {
      return refusal(403, "pages of other origins are not served");
    }
    const site = request.headers["sec-fetch-site"];
    const navigates = request.method === "GET" && request.headers["sec-fetch-mode"] === "navigate";
    if ((site === "cross-site" || site === "same-site") && !navigates) {
      return refusal(403, "pages of other sites are not served");
    }
    return undefined;
  }

  #isOwnOrigin(origin: string, host: string): boolean {
    return origin.toLowerCase() === `${this.#options.behindTls ? "https" : "http"}://${host.toLowerCase()}`;
  }

  /** Exactly the address the connection came to, a name of this machine with the port, or what was allowed. */
  #isOurs(host: string, { socket }: IncomingMessage): boolean {
    const name = host.toLowerCase();
    if (this.#hosts.has(name) || this.#hosts.has(name.replace(/:\d+$/, ""))) return true;
    const { localAddress = "", localPort = 0 } = socket;
    const address = localAddress.replace(/^::ffff:/i, "");
    const literal = address.includes(":") ? `[${address}]` : address;
    const own = [literal, this.#ownName];
    if (address === "::1" || address.startsWith("127.")) own.push("localhost", "127.0.0.1", "[::1]");
    return own.some((one) => name === `${one}:${localPort}` || (localPort === 80 && name === one));
  }
}

function headerValues(request: IncomingMessage, name: string): readonly string[] {
  return request.rawHeaders.filter(
    (_, at) => at % 2 === 1 && request.rawHeaders[at - 1]?.toLowerCase() === name,
  );
}
