/** The page's way to the supervisor: the same JSON-RPC that everybody has, with the session's cookie as the key. */

export class ApiError extends Error {
  constructor(message, { code, data = {}, status } = {}) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.data = data;
    this.status = status;
  }
}

const listeners = new Set();

/** Told of every answer, `{ ok, signedOut }`: the header shows whether what one sees can be fresh. */
export function onAnswer(listener) {
  listeners.add(listener);
}

function tell(answer) {
  for (const listener of listeners) listener(answer);
}

const patienceMs = 20_000;

async function ask(path, init = {}) {
  let response;
  try {
    const signal = init.signal ?? AbortSignal.timeout(patienceMs);
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...init, signal });
  } catch (cause) {
    if (cause?.name !== "AbortError") tell({ ok: false });
    throw new ApiError("the supervisor does not answer", { data: { reason: "unreachable", cause } });
  }
  tell({ ok: response.status < 500, signedOut: response.status === 401 });
  return response;
}

async function bodyOf(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

let calls = 0;

/** The result of one method. Throws ApiError. */
export async function call(method, params = {}) {
  const [answer] = await callAll([[method, params]]);
  if (answer instanceof ApiError) throw answer;
  return answer;
}

/** Several in one request; answers a result or an ApiError for each. Throws when none was answered. */
export async function callAll(wanted) {
  const batch = wanted.map(([method, params]) => ({ jsonrpc: "2.0", id: (calls += 1), method, params }));
  const response = await ask("/rpc", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(batch.length === 1 ? batch[0] : batch),
  });
  const body = await bodyOf(response);
  const answers = new Map((Array.isArray(body) ? body : [body]).map((one) => [one.id, one]));
  const whole = Array.isArray(body) ? undefined : body.error;
  return batch.map(({ id }) => {
    const answer = answers.get(id);
    if (answer !== undefined && "result" in answer) return answer.result;
    const {
      message = `the supervisor answered ${response.status}`,
      code,
      data,
    } = answer?.error ?? whole ?? {};
    return new ApiError(message, { code, data, status: response.status });
  });
}

/** GET of something that answers JSON. */
export async function get(path) {
  const response = await ask(path);
  const body = await bodyOf(response);
  if (!response.ok) throw refusalOf(response, body);
  return body;
}

/** Of a route that is not JSON-RPC, or of one that is. */
function refusalOf({ status }, body) {
  const { message = body.error, data = body } = body.error instanceof Object ? body.error : {};
  return new ApiError(message ?? `answered ${status}`, { data, status });
}

/** Undefined when nobody is signed in. */
export async function whoAmI() {
  const response = await ask("/session");
  if (response.status === 401) return undefined;
  const body = await bodyOf(response);
  if (!response.ok) throw refusalOf(response, body);
  return body;
}

/** Exchanges a key for the session's cookie, which no script can read. */
export async function signIn(key) {
  const response = await ask("/session", {
    method: "POST",
    headers: { Authorization: `Bearer ${latin1(key)}` },
  });
  const body = await bodyOf(response);
  if (response.ok) return body;
  throw refusalOf(response, body);
}

/** Header values are bytes; the server reads them as UTF-8. */
function latin1(text) {
  return String.fromCodePoint(...new TextEncoder().encode(text));
}

/** Throws ApiError while the session goes on. */
export async function signOut() {
  const response = await ask("/session", { method: "DELETE" });
  if (!response.ok && response.status !== 401) throw refusalOf(response, await bodyOf(response));
}

const reach = { admin: 3, "jobs:write": 2, "jobs:read": 1 };

export const session = {
  name: "",
  scopes: [],
  /** Whether this key may do it. The server decides in the end; the page does not offer what it would refuse. */
  may: (scope) => session.scopes.some((own) => (reach[own] ?? 0) >= reach[scope]),
};

let guide;
/** What each reason means and what to do about it: the table that `herojob explain` uses. */
export function reasonGuide() {
  guide ??= get("/page/guide.json").catch((error) => {
    guide = undefined;
    throw error;
  });
  return guide;
}
