/** JSON-RPC 2.0 over fetch: one call, one answer, every failure a ClientError with a sentence. The key is never shown. */
import { withDeadline } from "./deadline.ts";
import { ClientError, type ClientErrorCode, isUnconnected } from "./errors.ts";
import { isJsonObject, type JsonValue, parseStrictJson } from "./strict-json.ts";

export interface RpcCallerOptions {
  /** The admin secret or an API key. */
  readonly apiKey: string;
  /** An answer that takes longer counts as lost. Default 10 000. */
  readonly deadlineMs?: number;
}

const codes: ReadonlyMap<number, ClientErrorCode> = new Map([
  [-32602, "INVALID_JOB"],
  [-32001, "DENIED"],
  [-32003, "DENIED"],
  [-32004, "NOT_FOUND"],
  [-32009, "CONFLICT"],
  [-32011, "CONFLICT"],
]);
const internalCode = -32603;

export class RpcCaller {
  readonly #endpoint: string;
  readonly #shown: string;
  readonly #options: RpcCallerOptions;
  readonly #closed = new AbortController();
  #calls = 0;

  /** Throws TypeError when `url` is not http:// or https://. */
  constructor(url: string, options: RpcCallerOptions) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
      throw new TypeError("the URL of a supervisor is http://host:port or https://host:port");
    }
    if (parsed.username !== "" || parsed.password !== "") {
      throw new TypeError("a supervisor takes a key, not a password in its URL");
    }
    this.#shown = `${parsed.origin}${parsed.pathname.replace(/\/$/, "")}`;
    this.#endpoint = `${this.#shown.replace(/\/rpc$/, "")}/rpc`;
    this.#options = options;
  }

  /** Members of `params` that are undefined are left out. Rejects with the signal's reason when it aborts. */
  async call(method: string, params: Record<string, unknown>, signal?: AbortSignal): Promise<JsonValue> {
    this.#calls += 1;
    const body = JSON.stringify({ jsonrpc: "2.0", id: this.#calls, method, params });
    const ends = [this.#closed.signal, ...(signal === undefined ? [] : [signal])];
    const deadline = withDeadline(this.#options.deadlineMs ?? 10_000, ...ends);
    let status: number;
    let text: string;
    try {
      const response = await fetch(this.#endpoint, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${this.#options.apiKey}` },
        body,
        redirect: "error",
        signal: deadline.signal,
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      this.#closed.signal.throwIfAborted();
      throw new ClientError("UNAVAILABLE", `the supervisor at ${this.#shown} ${whyNot(error)}`, {
        cause: error,
        refused: error instanceof Error && isUnconnected(error.cause),
      });
    } finally {
      deadline.stop();
    }
    return this.#resultOf(status, text);
  }

  close(): void {
    this.#closed.abort(new ClientError("UNAVAILABLE", "the client is closed"));
  }

  #resultOf(status: number, text: string): JsonValue {
    const parsed = parseStrictJson(text, { maxDepth: 64 });
    const answer = parsed.ok && isJsonObject(parsed.value) ? parsed.value : undefined;
    const result = answer?.get("result");
    if (result !== undefined) return result;
    const error = answer?.get("error");
    if (!isJsonObject(error)) {
      const what = `answered HTTP ${status} and no JSON-RPC; is this the URL of a supervisor?`;
      throw new ClientError("UNAVAILABLE", `${this.#shown} ${what}`);
    }
    const [code, message, data] = [error.get("code"), error.get("message"), error.get("data")];
    const hint = isJsonObject(data) ? data.get("hint") : undefined;
    const sentence =
      typeof message === "string" && message !== "" ? message : `error ${JSON.stringify(code)}`;
    throw new ClientError(
      (typeof code === "number" ? codes.get(code) : undefined) ?? "UNAVAILABLE",
      typeof hint === "string" ? `${sentence}; ${asClause(hint)}` : sentence,
      { refused: isRefusal(code, data) },
    );
  }
}

/** An error within the supervisor, or between it and Redis, may come after the work; `data.id` says that it did. */
function isRefusal(code: JsonValue | undefined, data: JsonValue | undefined): boolean {
  if (code !== internalCode) return typeof code === "number";
  return isJsonObject(data) && data.get("reason") === "full" && data.get("id") === undefined;
}

/** A hint is a sentence; here it goes on after a semicolon, and others may be put behind it. */
function asClause(hint: string): string {
  return hint.charAt(0).toLowerCase() + hint.slice(1).replace(/\.$/, "");
}

function whyNot(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "did not answer in time";
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error)) return "cannot be reached";
  return `cannot be reached (${"code" in cause ? String(cause.code) : cause.message})`;
}
