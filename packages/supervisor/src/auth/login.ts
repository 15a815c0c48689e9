/**
 * Who is calling: the admin secret or an API key in `Authorization`, else the page's cookie. Unknown, revoked and malformed
 * keys get the same answer, and an address that guesses gets none for a while.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { RpcError } from "../rpc/errors.ts";
import type { ApiKeys } from "./api-keys.ts";
import type { FailedLogins } from "./failed-logins.ts";
import type { Principal } from "./principal.ts";
import { adminPrincipal, type Sessions } from "./sessions.ts";

export interface LoginOptions {
  readonly adminSecret: string;
  readonly keys: ApiKeys;
  readonly sessions: Sessions;
  readonly failures: FailedLogins;
  /** Told of each wrong key. */
  readonly onFailure: (address: string) => void;
}

export interface LoggedIn {
  readonly principal: Principal;
  /** A cookie travels by itself, so that more has to be asked of a request that has nothing else. */
  readonly via: "authorization" | "cookie";
  /** Whether the login still holds; for streams that live long. */
  readonly stillValid: () => Promise<boolean>;
}

export class TooManyFailures extends RpcError {
  readonly retryAfterSeconds: number;
  constructor(waitMs: number) {
    super("too_many_requests", "too many wrong keys from this address", {
      reason: "too_many_failures",
      hint: `Wait ${Math.ceil(waitMs / 1000)} s.`,
    });
    this.retryAfterSeconds = Math.ceil(waitMs / 1000);
  }
}

const maxKeyLength = 1024;
const hint = "Send `Authorization: Bearer` with the admin secret or an API key.";

export class Login {
  readonly #options: LoginOptions;
  readonly #salt = randomBytes(32);
  readonly #adminDigest: Buffer;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#adminDigest = this.#digest(options.adminSecret);
  }

  /** Throws RpcError `unauthenticated` or `too_many_requests`. */
  async check(request: IncomingMessage, address: string): Promise<LoggedIn> {
    const { sessions, failures, onFailure } = this.#options;
    const header = request.headers.authorization;
    if (header === undefined) {
      const { cookie } = request.headers;
      const principal = await sessions.holder(cookie);
      if (principal === undefined) {
        throw new RpcError("unauthenticated", "no key was given", { reason: "no_key", hint });
      }
      const stillValid = async (): Promise<boolean> => (await sessions.holder(cookie)) !== undefined;
      return { principal, via: "cookie", stillValid };
    }
    const waitMs = failures.waitMs(address);
    if (waitMs > 0) throw new TooManyFailures(waitMs);
    const principal = await this.#holder(header);
    if (principal === undefined) {
      failures.failed(address);
      onFailure(address);
      throw new RpcError("unauthenticated", "the key is not valid", { reason: "bad_key", hint });
    }
    const stillValid = async (): Promise<boolean> => (await this.#holder(header)) !== undefined;
    return { principal, via: "authorization", stillValid };
  }

  async #holder(header: string): Promise<Principal | undefined> {
    const text = /^bearer +(\S.*)$/i.exec(header)?.[1] ?? "";
    if (text === "" || text.length > maxKeyLength) return undefined;
    // Header values are Latin-1 to Node; people type UTF-8.
    const key = Buffer.from(text, "latin1").toString("utf8");
    if (timingSafeEqual(this.#digest(key), this.#adminDigest)) return adminPrincipal;
    return this.#options.keys.check(key);
  }

  /** Of equal length for everything, and of no use to somebody who sees how long comparing took. */
  #digest(text: string): Buffer {
    return createHmac("sha256", this.#salt).update(text).digest();
  }
}
