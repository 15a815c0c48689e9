/** One job over plain HTTP: its live log as events, its output as a file. */
import { idPattern } from "@herorunner/job";
import { RpcError } from "../rpc/errors.ts";
import { feedJobLog } from "../sse/job-log.ts";
import type { Answer } from "./answer.ts";
import { loginFor, type Visit } from "./visit.ts";

/** GET /jobs/<id>/log?after=SEQ&runner=R, or `Last-Event-ID`. */
export async function openJobLog(visit: Visit): Promise<undefined> {
  const { app, request, response, query, parts, cors } = visit;
  const login = await loginFor(visit, "jobs:read");
  const { jobs, runners } = app.services;
  const id = parts["id"] ?? "";
  const keys = await jobs.locate(id, runnerOf(query));
  // A browser that comes back knows better than the address it started with.
  const afterSeq = seqOf(request.headers["last-event-id"] ?? query.get("after") ?? "0");
  await app.streams.serve({
    request,
    response,
    login,
    headers: cors,
    feed: (stream) =>
      feedJobLog({ keys, id, redis: runners.at(keys), own: runners.open(keys), afterSeq }, stream),
  });
  return undefined;
}

/** GET /jobs/<id>/output?stream=out|err: to be saved, never to be shown as a page. */
export async function jobOutput(visit: Visit): Promise<Answer> {
  const { app, query, parts, cors } = visit;
  await loginFor(visit, "jobs:read");
  const id = parts["id"] ?? "";
  const job = await app.services.jobs.get(id, runnerOf(query));
  const stream = query.get("stream") ?? "out";
  if (stream !== "out" && stream !== "err")
    throw new RpcError("invalid_params", "stream: must be out or err");
  return {
    status: 200,
    contentType: "text/plain; charset=utf-8",
    body: (stream === "out" ? job.result : job.stderr) ?? "",
    headers: { ...cors, "Content-Disposition": `attachment; filename="${id}.${stream}.txt"` },
  };
}

export function runnerOf(query: URLSearchParams): string | undefined {
  const runner = query.get("runner");
  if (runner === null) return undefined;
  if (!idPattern.test(runner)) throw new RpcError("invalid_params", `runner: must match ${idPattern.source}`);
  return runner;
}

function seqOf(text: string | readonly string[]): number {
  const one = String(text);
  if (/^\d{1,15}$/.test(one)) return Number(one);
  throw new RpcError("invalid_params", "after: must be the id of an event, a whole number");
}
