/** Logging in to the page: a key is exchanged for a cookie that scripts cannot read. */
import { type Answer, json } from "./answer.ts";
import { loginFor, type Visit } from "./visit.ts";
import { RpcError } from "../rpc/errors.ts";

/** POST /session with `Authorization`. No body. */
export async function openSession(visit: Visit): Promise<Answer> {
  const { principal, via } = await loginFor(visit, undefined);
  if (via === "cookie") return json(200, principalView(principal));
  if (visit.request.headers.origin !== undefined && !visit.app.guard.isFromOwnPage(visit.request)) {
    throw new RpcError("forbidden", "sessions are for the page of this server", { reason: "cross_site" });
  }
  return json(200, principalView(principal), { "Set-Cookie": await visit.app.sessions.open(principal) });
}

/** GET /session: who am I? */
export async function showSession(visit: Visit): Promise<Answer> {
  const { principal } = await loginFor(visit, undefined);
  return json(200, principalView(principal));
}

export async function closeSession(visit: Visit): Promise<Answer> {
  await loginFor(visit, undefined);
  const header = await visit.app.sessions.close(visit.request.headers.cookie);
  return { status: 204, headers: { "Set-Cookie": header } };
}

function principalView({ name, scopes }: { readonly name: string; readonly scopes: readonly string[] }) {
  return { name, scopes };
}
