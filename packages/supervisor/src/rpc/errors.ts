/**
 * Every way in which a call can be refused: the number on the wire and the word in `data.reason`. Clients match on these,
 * never on texts. Nothing secret may enter a message: no stack, no Redis URL, no key, no value of a variable.
 */
import { ClientError, QueueError } from "@herorunner/job";

export const rpcCodes = {
  parse_error: -32700,
  invalid_request: -32600,
  method_not_found: -32601,
  invalid_params: -32602,
  internal: -32603,
  unauthenticated: -32001,
  forbidden: -32003,
  not_found: -32004,
  conflict: -32009,
  not_allowed: -32011,
  too_many_requests: -32029,
} as const;
export type RpcErrorName = keyof typeof rpcCodes;

/** What each error means, for the OpenRPC document and docs/rpc.md. */
export const rpcErrorTexts: Readonly<Record<RpcErrorName, string>> = {
  parse_error:
    "The body is not JSON as RFC 8259 has it, names a member twice, is nested deeper than 32 or has more than 200 000 values.",
  invalid_request: "The JSON is not a request, or a batch is empty or longer than 100.",
  method_not_found: "There is no such method.",
  invalid_params: "A parameter is missing, unknown or has the wrong form; the message names it.",
  internal:
    "The supervisor could not do it: `data.reason` is `unavailable` while Redis does not answer, `full` when Redis is out of memory, `denied` when Redis refuses the supervisor's user, `rejected` when it refuses the command; `internal` is a bug.",
  unauthenticated: "No key, or one that is not valid. HTTP 401.",
  forbidden: "The key is valid and its scopes do not reach this far. HTTP 403.",
  not_found: "There is no such job, runner or key.",
  conflict: "The id is taken by other content, or something is still in the way.",
  not_allowed: "Not in this state, or not by this server; `data.reason` says which.",
  too_many_requests: "Too many failed logins from this address, or too much at once. HTTP 429.",
};

/** HTTP statuses other than 200. */
export const httpStatusOf: ReadonlyMap<number, number> = new Map([
  [rpcCodes.unauthenticated, 401],
  [rpcCodes.forbidden, 403],
  [rpcCodes.too_many_requests, 429],
]);

export interface RpcErrorData {
  /** A word to match on. */
  readonly reason: string;
  /** What to do about it, for people. */
  readonly hint?: string;
  readonly [member: string]: unknown;
}

/** A refusal that the caller is meant to see. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  readonly data: RpcErrorData;

  /** `reason` is the error's own name unless `data` has a narrower one. */
  constructor(name: RpcErrorName, message: string, data: Partial<RpcErrorData> = {}) {
    super(message);
    this.code = rpcCodes[name];
    this.data = { ...data, reason: data.reason ?? name };
  }
}

/** What the caller is told of any error; undefined when it was nobody's fault but ours and belongs into the log. */
export function toRpcError(error: unknown): RpcError | undefined {
  if (error instanceof RpcError) return error;
  if (error instanceof ClientError) return fromClient(error);
  if (error instanceof QueueError) return storeAway(error.code);
  return undefined;
}

function fromClient(error: ClientError): RpcError | undefined {
  switch (error.code) {
    case "INVALID_JOB":
      return new RpcError("invalid_params", error.message, { reason: "invalid_job" });
    case "CONFLICT":
      return new RpcError("conflict", error.message);
    case "NOT_FOUND":
      return new RpcError("not_found", error.message);
    case "WAIT_TIMEOUT":
      return undefined;
    case "UNAVAILABLE":
    case "DENIED":
      return storeAway(error.cause instanceof QueueError ? error.cause.code : error.code);
  }
}

/** Of a call that did its first half: the job is there, and its caller may not know its id. */
export function afterSubmit(
  error: unknown,
  { id, runner }: { readonly id: string; readonly runner: string },
) {
  const known = toRpcError(error);
  if (known?.code !== rpcCodes.internal) return error;
  const hint = "The job was submitted, and goes on; ask for it with job.get.";
  return new RpcError("internal", known.message, { ...known.data, id, runner, hint });
}

/** The store's own words may name its address; these do not. */
function storeAway(code: QueueError["code"]): RpcError {
  switch (code) {
    case "UNAVAILABLE":
      return new RpcError("internal", "Redis does not answer", {
        reason: "unavailable",
        hint: "Nothing is known to have changed; try again, with the same id where there is one.",
      });
    case "FULL":
      return new RpcError("internal", "Redis is out of memory and takes no new jobs", { reason: "full" });
    case "DENIED":
      return new RpcError("internal", "Redis refuses the supervisor", {
        reason: "denied",
        hint: "The operator has to look at the password and permissions in --redis-url.",
      });
    case "REJECTED":
      return new RpcError("internal", "Redis refuses this command; a key may have another type", {
        reason: "rejected",
      });
  }
}

/** What the caller hears of a bug; the rest is in the log. */
export const internalError = new RpcError("internal", "internal error", {
  hint: "The supervisor's log has the details.",
});
