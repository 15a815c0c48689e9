/**
 * Looking at what Redis holds: one job, its log, a runner. Every read is bounded, whatever a client wrote there, and none
 * walks the keyspace. Listings are in list-jobs.ts.
 */
import { QueueError } from "./errors.ts";
import type { JobView } from "./job.ts";
import type { RunnerKeys } from "./keys.ts";
import { type LogLine, parseEntry } from "./log-reader.ts";
import { deleteJob } from "./lua/delete-job.ts";
import { lookAtRunner } from "./lua/look-at-runner.ts";
import { readFields } from "./lua/read-fields.ts";
import { readLog } from "./lua/read-log.ts";
import { clientFields, systemFields } from "./fields.ts";
import type { RawFields } from "./queue.ts";
import { viewJob } from "./record.ts";
import type { Commands } from "./redis/pool.ts";
import { listOf, pairsOf, textOf } from "./redis/reply.ts";

/** Longest field that is read whole, bytes: a payload may have 16 MiB. */
const maxFieldBytes = 17 * 1024 * 1024;
const maxLogAnswerBytes = 1024 * 1024;
const readJobScript = readFields("job", [...clientFields, ...systemFields]);

/** The known fields of a job as they are stored; undefined when there is no such job. Longer ones than 17 MiB are cut. */
export async function readJobFields(
  redis: Commands,
  keys: RunnerKeys,
  id: string,
): Promise<RawFields | undefined> {
  try {
    const reply = await redis.run(readJobScript, [keys.job(id)], [String(maxFieldBytes)]);
    const fields = pairsOf(listOf(reply));
    return fields.size === 0 ? undefined : fields;
  } catch (error) {
    // A key of another type is nobody's job.
    if (isOfAnotherType(error)) return undefined;
    throw error;
  }
}

/** The job as others see it, undefined when there is none. */
export async function readJob(redis: Commands, keys: RunnerKeys, id: string): Promise<JobView | undefined> {
  const fields = await readJobFields(redis, keys, id);
  return fields === undefined ? undefined : viewJob(fields, { id, runner: keys.runner });
}

/** Up to `limit` entries (and 1 MiB) of a job's live log with a `seq` above `after`, oldest first. */
export async function readLogEntries(
  redis: Commands,
  logKey: string,
  options: { readonly after: number; readonly limit: number },
): Promise<readonly LogLine[]> {
  const args = [options.after, options.limit, maxLogAnswerBytes].map(String);
  return listOf(await redis.run(readLog, [logKey], args)).map((entry) => parseEntry(entry).line);
}

/** One process that serves a runner id, as its last heartbeat told it. */
export interface InstanceView {
  readonly owner: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly slots: number;
  readonly busy: number;
  readonly isolation: string;
  readonly signatures: string;
  /** How long ago its queue last answered, when it sent its heartbeat; undefined before the first answer. */
  readonly lastPollMs: number | undefined;
  /** Redis time, ms. */
  readonly seenAtMs: number;
}

export interface RunnerView {
  readonly id: string;
  /** At least one process was heard of in the last 15 s. */
  readonly alive: boolean;
  readonly paused: boolean;
  readonly queued: number;
  readonly running: number;
  readonly dead: number;
  readonly instances: readonly InstanceView[];
}

/** How a runner id is served. One that nobody ever heard of is not alive and has nothing. */
export async function readRunner(redis: Commands, keys: RunnerKeys): Promise<RunnerView> {
  const places = [keys.queue, keys.active, keys.dead, keys.settings, keys.instances];
  const [queued, running, dead, paused, ...owners] = listOf(await redis.run(lookAtRunner, places, []));
  const found = await Promise.all(owners.map((owner) => readInstance(redis, keys, textOf(owner))));
  const instances = found.filter((one) => one !== undefined);
  return {
    id: keys.runner,
    alive: instances.length > 0,
    paused: paused === 1,
    queued: Number(queued),
    running: Number(running),
    dead: Number(dead),
    instances,
  };
}

const readInstanceScript = readFields("instance", [
  ...["owner", "host", "pid", "version", "slots", "busy"],
  ...["isolation", "signatures", "last_poll_ms", "seen_at"],
]);

async function readInstance(
  redis: Commands,
  keys: RunnerKeys,
  owner: string,
): Promise<InstanceView | undefined> {
  const reply = await redis
    .run(readInstanceScript, [keys.instance(owner)], ["1024"])
    .catch(nothingWhenOfAnotherType);
  const fields = pairsOf(listOf(reply));
  if (fields.size === 0) return undefined;
  const text = (name: string): string => fields.get(name)?.toString() ?? "";
  const whole = (name: string): number => (/^\d{1,15}$/.test(text(name)) ? Number(text(name)) : 0);
  return {
    owner,
    host: text("host"),
    pid: whole("pid"),
    version: text("version"),
    slots: whole("slots"),
    busy: whole("busy"),
    isolation: text("isolation"),
    signatures: text("signatures"),
    lastPollMs: /^\d{1,15}(\.\d+)?$/.test(text("last_poll_ms"))
      ? Math.round(Number(text("last_poll_ms")))
      : undefined,
    seenAtMs: whole("seen_at"),
  };
}

function nothingWhenOfAnotherType(error: unknown): [] {
  if (isOfAnotherType(error)) return [];
  throw error;
}

function isOfAnotherType(error: unknown): boolean {
  return error instanceof QueueError && error.message.includes("WRONGTYPE");
}

/** Removes a job, its reply and its log, unless a runner has it. */
export async function removeJob(
  redis: Commands,
  keys: RunnerKeys,
  id: string,
): Promise<"deleted" | "missing" | "runs"> {
  const places = [
    keys.job(id),
    keys.queue,
    keys.active,
    keys.dead,
    keys.reply(id),
    keys.log(id),
    keys.recent,
  ];
  const word = textOf(await redis.run(deleteJob, places, [id]));
  return word === "DELETED" ? "deleted" : word === "RUNS" ? "runs" : "missing";
}
