/**
 * JSON-RPC 2.0 (https://www.jsonrpc.org/specification), apart from any transport: text in, text out. Requests, batches and
 * notifications as the specification has them; parameters by name or by position. JSON is read strictly, so that one text
 * has one meaning. A call that fails is an answer; only a bug reaches `onBug`, and its caller learns nothing but that.
 */
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from "@herorunner/job";
import type { z } from "zod";
import { mayUse, type Principal, type Scope } from "../auth/principal.ts";
import { httpStatusOf, internalError, RpcError, toRpcError } from "./errors.ts";

export interface CallableMethod<C> {
  readonly scope: Scope;
  readonly params: z.ZodObject;
  handle(params: never, call: C): Promise<unknown>;
}

export interface DispatchOptions<C extends { readonly principal: Principal }> {
  readonly methods: ReadonlyMap<string, CallableMethod<C>>;
  /** Told of each call that ended; `method` is undefined when there is no such method. */
  readonly onCall?: (method: string | undefined, code: number, durationMs: number) => void;
  readonly onBug: (error: unknown, method: string) => void;
  /** Told of what Redis does not let us do: the caller learns that much, the operator needs Redis's own words. */
  readonly onRefused?: (error: unknown, method: string) => void;
}

export interface RpcAnswer {
  /** Undefined when there is nothing to answer: notifications only. */
  readonly text: string | undefined;
  /** 200 or 204, or the status of a single error that has one of its own. */
  readonly httpStatus: number;
}

const maxBatch = 100;
const maxDepth = 32;
/** Of a whole body, with room for a full batch of jobs with a thousand variables each. */
const maxValues = 200_000;
/** A batch stops working once its answers have this many characters. */
const maxBatchAnswer = 32 * 1024 * 1024;

type Id = string | number | null;

export async function dispatch<C extends { readonly principal: Principal }>(
  text: string,
  call: C,
  options: DispatchOptions<C>,
): Promise<RpcAnswer> {
  const parsed = parseStrictJson(text, { maxDepth, maxValues });
  if (!parsed.ok) return single(null, new RpcError("parse_error", `parse error: ${parsed.detail}`));
  if (Array.isArray(parsed.value)) return batch(parsed.value, call, options);
  const answer = await one(parsed.value, call, options);
  return answer ?? nothing;
}

const nothing: RpcAnswer = { text: undefined, httpStatus: 204 };

async function batch<C extends { readonly principal: Principal }>(
  requests: readonly JsonValue[],
  call: C,
  options: DispatchOptions<C>,
): Promise<RpcAnswer> {
  if (requests.length === 0) return single(null, new RpcError("invalid_request", "the batch is empty"));
  if (requests.length > maxBatch) {
    const sentence = `the batch has ${requests.length} requests; at most ${maxBatch} are taken`;
    return single(null, new RpcError("invalid_request", sentence, { reason: "batch_too_long" }));
  }
  const answers: string[] = [];
  let length = 0;
  // One after the other: a batch may create a job and then start it.
  for (const request of requests) {
    const answer = length > maxBatchAnswer ? tooMuch(request) : await one(request, call, options);
    if (answer?.text === undefined) continue;
    answers.push(answer.text);
    length += answer.text.length;
  }
  return answers.length === 0 ? nothing : { text: `[${answers.join(",")}]`, httpStatus: 200 };
}

function tooMuch(request: JsonValue): RpcAnswer | undefined {
  if (isJsonObject(request) && !request.has("id")) return undefined;
  const sentence = "the answers to this batch are too long; this call was not made";
  return single(readId(request), new RpcError("invalid_request", sentence, { reason: "answer_too_large" }));
}

/** Undefined for a notification. */
async function one<C extends { readonly principal: Principal }>(
  value: JsonValue,
  call: C,
  options: DispatchOptions<C>,
): Promise<RpcAnswer | undefined> {
  const request = readRequest(value);
  if (request instanceof RpcError) return single(readId(value), request);
  const { id, name, params } = request;
  const startedMs = performance.now();
  const answer = await run(name, params, call, options);
  const known = options.methods.has(name) ? name : undefined;
  options.onCall?.(known, answer instanceof RpcError ? answer.code : 0, performance.now() - startedMs);
  if (id === undefined) return undefined;
  if (answer instanceof RpcError) return single(id, answer);
  return { text: JSON.stringify({ jsonrpc: "2.0", result: answer.result ?? null, id }), httpStatus: 200 };
}

async function run<C extends { readonly principal: Principal }>(
  name: string,
  given: JsonValue | undefined,
  call: C,
  options: DispatchOptions<C>,
): Promise<{ readonly result: unknown } | RpcError> {
  const method = options.methods.get(name);
  if (method === undefined) return new RpcError("method_not_found", `there is no method ${shown(name)}`);
  if (!mayUse(call.principal, method.scope)) {
    const hint = `Use a key with the scope ${method.scope}.`;
    return new RpcError("forbidden", `${name} needs the scope ${method.scope}`, { hint });
  }
  const params = readParams(method.params, given);
  if (params instanceof RpcError) return params;
  try {
    // The schema of this very method made the value.
    return { result: await method.handle(params.value as never, call) };
  } catch (error) {
    const known = toRpcError(error);
    if (known === undefined) options.onBug(error, name);
    else if (known.data.reason === "denied" || known.data.reason === "rejected")
      options.onRefused?.(error, name);
    return known ?? internalError;
  }
}

interface Request {
  /** Undefined: a notification. */
  readonly id: Id | undefined;
  readonly name: string;
  readonly params: JsonValue | undefined;
}

function readRequest(value: JsonValue): Request | RpcError {
  const invalid = (what: string): RpcError => new RpcError("invalid_request", `invalid request: ${what}`);
  if (!isJsonObject(value)) return invalid("it must be an object");
  if (value.get("jsonrpc") !== "2.0") return invalid('jsonrpc must be "2.0"');
  const [name, id, params] = [value.get("method"), value.get("id"), value.get("params")];
  if (typeof name !== "string") return invalid("method must be a string");
  if (id !== undefined && !isId(id)) return invalid("id must be a string, a number or null");
  if (params !== undefined && !isJsonObject(params) && !Array.isArray(params)) {
    return invalid("params must be an object or a list");
  }
  return { id, name, params };
}

function isId(value: JsonValue | undefined): value is Id {
  return value === null || typeof value === "string" || typeof value === "number";
}

/** The id of a request that is no good, when it has a good one; else null. */
function readId(value: JsonValue): Id {
  const id = isJsonObject(value) ? value.get("id") : undefined;
  return isId(id) ? id : null;
}

function readParams(
  schema: z.ZodObject,
  given: JsonValue | undefined,
): { readonly value: unknown } | RpcError {
  const names = Object.keys(schema.shape);
  if (Array.isArray(given) && given.length > names.length) {
    return new RpcError(
      "invalid_params",
      `there are ${given.length} parameters; at most ${names.length} are known`,
    );
  }
  const members: JsonObject = Array.isArray(given)
    ? new Map(given.map((value: JsonValue, at) => [names[at] ?? "", value]))
    : isJsonObject(given)
      ? given
      : new Map<string, JsonValue>();
  const checked = schema.safeParse(plain(members));
  if (checked.success) return { value: checked.data };
  const [issue] = checked.error.issues;
  if (issue?.code === "unrecognized_keys") {
    const where = issue.path.length === 0 ? "" : ` in ${pathOf(issue.path)}`;
    const sentence = `${shown(issue.keys[0] ?? "")} is no parameter${where}`;
    return new RpcError("invalid_params", sentence, { hint: `Known are: ${names.join(", ") || "none"}.` });
  }
  return new RpcError("invalid_params", `${pathOf(issue?.path ?? [])}: ${issue?.message ?? "is not valid"}`);
}

function pathOf(path: readonly PropertyKey[]): string {
  return shown(path.map(String).join(".")).slice(1, -1);
}

/** Foreign text in a sentence: quoted and short. */
function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** Maps become objects without a prototype, so that a member called __proto__ is just a member. */
export function plain(value: JsonValue): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isJsonObject(value)) return value;
  const object = Object.create(null) as Record<string, unknown>; // Object.create answers any
  for (const [name, member] of value) object[name] = plain(member);
  return object;
}

function single(id: Id, error: RpcError): RpcAnswer {
  return { text: errorText(id, error), httpStatus: httpStatusOf.get(error.code) ?? 200 };
}

/** One error response as text, for transports that refuse before there is a request. */
export function errorText(id: Id, { code, message, data }: RpcError): string {
  return JSON.stringify({ jsonrpc: "2.0", error: { code, message, data }, id });
}
