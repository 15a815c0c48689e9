/**
 * Sessions of the page: a random cookie, of which Redis holds a SHA-256 with who it is. A session never outlives what it
 * was opened with: an API key is looked up each time, and the admin secret is recognised by a fingerprint.
 */
import { randomBytes } from "node:crypto";
import { isJsonObject, openSession, parseStrictJson, sessionKey, type ConnectionPool } from "@herorunner/job";
import { type ApiKeys, digest } from "./api-keys.ts";
import { type Principal, scopes } from "./principal.ts";

const lifetimeSeconds = 12 * 3600;
const form = /^[A-Za-z0-9_-]{43}$/;

export interface SessionsOptions {
  readonly redis: ConnectionPool;
  readonly prefix: string;
  readonly keys: ApiKeys;
  /** Changes with the admin secret. */
  readonly adminFingerprint: string;
  /** A proxy in front speaks TLS with the browser. */
  readonly secure: boolean;
}

export const adminPrincipal: Principal = { name: "admin", scopes: [...scopes] };

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #cookieName: string;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#cookieName = options.secure ? "__Host-herosupervisor" : "herosupervisor";
  }

  /** Opens a session; answers the Set-Cookie header. */
  async open(principal: Principal): Promise<string> {
    const token = randomBytes(32).toString("base64url");
    const holder = principal.keyId ?? this.#options.adminFingerprint;
    const key = this.#key(token);
    await this.#options.redis
      .at(key)
      .run(openSession, [key], [JSON.stringify({ holder }), String(lifetimeSeconds)]);
    return this.#cookie(token, lifetimeSeconds);
  }

  /** Who this request's cookie belongs to. */
  async holder(cookieHeader: string | undefined): Promise<Principal | undefined> {
    const token = this.#tokenOf(cookieHeader);
    if (token === undefined) return undefined;
    const key = this.#key(token);
    const reply = await this.#options.redis.at(key).send(["GET", key]);
    const parsed = Buffer.isBuffer(reply) ? parseStrictJson(reply.toString()) : undefined;
    const holder = parsed?.ok === true && isJsonObject(parsed.value) ? parsed.value.get("holder") : undefined;
    if (typeof holder !== "string") return undefined;
    if (holder === this.#options.adminFingerprint) return adminPrincipal;
    return this.#options.keys.holder(holder);
  }

  /** Ends the session; answers the header that takes the cookie away. */
  async close(cookieHeader: string | undefined): Promise<string> {
    const token = this.#tokenOf(cookieHeader);
    if (token !== undefined) {
      const key = this.#key(token);
      await this.#options.redis.at(key).send(["DEL", key]);
    }
    return this.#cookie("", 0);
  }

  #key(token: string): string {
    return sessionKey(digest(token).toString("hex"), this.#options.prefix);
  }

  #cookie(token: string, maxAge: number): string {
    const secure = this.#options.secure ? "; Secure" : "";
    return `${this.#cookieName}=${token}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`;
  }

  #tokenOf(cookieHeader: string | undefined): string | undefined {
    for (const part of (cookieHeader ?? "").split(";")) {
      const [name, token] = part.trim().split("=", 2);
      if (name === this.#cookieName && token !== undefined && form.test(token)) return token;
    }
    return undefined;
  }
}
