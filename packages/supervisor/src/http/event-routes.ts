/** GET /events?runner=R: state changes of jobs and runners as they happen. */
import { feedEvents } from "../sse/events.ts";
import type { ServerEvent } from "../sse/event-stream.ts";
import { loginFor, type Visit } from "./visit.ts";
import { runnerOf } from "./job-routes.ts";

export async function openEvents(visit: Visit): Promise<undefined> {
  const { app, request, response, query, cors } = visit;
  const login = await loginFor(visit, "jobs:read");
  const runner = runnerOf(query);
  const wanted = (event: ServerEvent): boolean => runner === undefined || runnerNamedBy(event) === runner;
  // A reader that sees the stream open misses nothing from then on: the hub looks already, and until the feed listens too.
  const stop = app.hub.listen(() => undefined);
  try {
    await app.hub.ready;
    await app.streams.serve({
      request,
      response,
      login,
      headers: cors,
      feed: (stream) => feedEvents(app.hub, stream, wanted),
    });
  } finally {
    stop();
  }
  return undefined;
}

function runnerNamedBy({ event, data }: ServerEvent): unknown {
  if (typeof data !== "object" || data === null) return undefined;
  const member = event === "job" ? "runner" : "id";
  return (data as Readonly<Record<string, unknown>>)[member]; // an object, as was just seen
}
