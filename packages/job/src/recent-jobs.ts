/**
 * The jobs of one runner that can be found without an index: those that wait, those that run, and those that its
 * recent events name. And how the runner is served. Reads only, and never the whole keyspace.
 */
import type { JobPage, JobSummary, ListFilter, RunnerState } from "./job-api.ts";
import type { RunnerKeys } from "./keys.ts";
import { idPattern } from "./keys.ts";
import type { RedisConnection, Reply } from "./redis/connection.ts";
import { clientFields, systemFields } from "./fields.ts";
import { listOf } from "./redis/reply.ts";
import { viewJob } from "./record.ts";

const defaultLimit = 50;
const maxLimit = 1_000;
/** Jobs that are looked at in one round trip. */
const batchSize = 100;
/** As many as the capped stream keeps, about. */
const eventsLookedAt = 10_000;

const long: ReadonlySet<string> = new Set(["payload", "result", "stderr", "signatures", "receipt"]);
const listedFields = [...clientFields, ...systemFields].filter((name) => !long.has(name));

/** One page; there is no second one. */
export async function recentJobs(
  redis: RedisConnection,
  keys: RunnerKeys,
  filter: ListFilter,
): Promise<JobPage> {
  const limit = Math.min(Math.max(Math.floor(filter.limit ?? defaultLimit), 1), maxLimit);
  const ids = await recentIds(redis, keys);
  const jobs: JobSummary[] = [];
  for (let at = 0; at < ids.length && jobs.length < limit; at += batchSize) {
    const batch = ids.slice(at, at + batchSize);
    const found = await Promise.all(batch.map((id) => summary(redis, keys, id)));
    jobs.push(...found.filter((job): job is JobSummary => job !== undefined && matches(job, filter)));
  }
  return { jobs: jobs.slice(0, limit), nextCursor: null };
}

/** Newest first: by the last event of each, and before them those that never had one, because they were pushed by hand. */
async function recentIds(redis: RedisConnection, keys: RunnerKeys): Promise<readonly string[]> {
  const last = String(maxLimit - 1);
  const [queue, active, events] = await Promise.all([
    redis.send(["LRANGE", keys.queue, "0", last]),
    redis.send(["LRANGE", keys.active, "0", last]),
    redis.send(["XREVRANGE", keys.events, "+", "-", "COUNT", String(eventsLookedAt)]),
  ]);
  const named = new Set(listOf(events).map(eventJob));
  const present = [...listOf(queue), ...listOf(active)].map(String);
  const unnamed = present.filter((id) => !named.has(id));
  return [...new Set([...unnamed, ...named])].filter((id) => idPattern.test(id));
}

function eventJob(entry: Reply): string {
  const [, flat] = listOf(entry);
  const texts = listOf(flat).map(String);
  return texts[texts.indexOf("id") + 1] ?? "";
}

async function summary(
  redis: RedisConnection,
  keys: RunnerKeys,
  id: string,
): Promise<JobSummary | undefined> {
  const values = listOf(await redis.send(["HMGET", keys.job(id), ...listedFields]));
  const fields = new Map<string, Buffer>();
  for (const [at, name] of listedFields.entries()) {
    const value = values[at];
    if (Buffer.isBuffer(value)) fields.set(name, value);
  }
  if (fields.size === 0) return undefined;
  const { payload: _payload, ...rest } = viewJob(fields, { id, runner: keys.runner });
  return rest;
}

function matches(job: JobSummary, filter: ListFilter): boolean {
  const { status, reason, callerId, sinceMs } = filter;
  if (status !== undefined && job.status !== status) return false;
  if (reason !== undefined && job.reason !== reason) return false;
  if (callerId !== undefined && job.callerId !== callerId) return false;
  return sinceMs === undefined || (job.queuedAtMs ?? (job.createdAtSeconds ?? 0) * 1000) >= sinceMs;
}

export async function runnerState(redis: RedisConnection, keys: RunnerKeys): Promise<RunnerState> {
  const [owners, paused, queued, running] = await Promise.all([
    redis.send(["ZREVRANGE", keys.instances, "0", "99"]),
    redis.send(["HGET", keys.settings, "paused"]),
    redis.send(["LLEN", keys.queue]),
    redis.send(["LLEN", keys.active]),
  ]);
  const living = await Promise.all(
    listOf(owners).map((owner) => redis.send(["EXISTS", keys.instance(String(owner))])),
  );
  return {
    runner: keys.runner,
    alive: living.includes(1),
    paused: String(paused ?? "") === "1",
    queued: Number(queued),
    running: Number(running),
  };
}
