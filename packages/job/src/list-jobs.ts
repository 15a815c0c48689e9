/**
 * Listings: the jobs of one or several runners, newest first, page by page, from the index that every runner keeps of its
 * newest 10 000 jobs. A call looks at a bounded number of jobs, so a page may hold fewer than asked for and still have a
 * next one; only a page without a cursor is the last. Jobs that wait without the index knowing are put into it first.
 */
import { QueueError } from "./errors.ts";
import { clientFields, systemFields } from "./fields.ts";
import { jobStatuses, type JobStatus, type JobView } from "./job.ts";
import { idPattern, type RunnerKeys } from "./keys.ts";
import { noteWaiting } from "./lua/note-waiting.ts";
import { summaries } from "./lua/summaries.ts";
import type { JobReason } from "./outcome.ts";
import { viewJob } from "./record.ts";
import type { Commands } from "./redis/pool.ts";
import { listOf, pairsOf, textOf } from "./redis/reply.ts";

export interface JobListFilter {
  readonly status?: JobStatus;
  readonly reason?: JobReason;
  readonly callerId?: string;
  /** Only jobs that were queued (or first seen) at this time or later; ms since 1970. */
  readonly sinceMs?: number;
  /** Most jobs on the page. */
  readonly limit: number;
  /** `nextCursor` of the page before. A text that is none throws TypeError. */
  readonly cursor?: string;
}

/** A job without what can be long. `envNames` is empty when the variables have more than 64 KiB. */
export type ListedJob = Omit<JobView, "payload" | "result" | "stderr">;

export interface ListedPage {
  readonly jobs: readonly ListedJob[];
  readonly nextCursor: string | null;
}

/** A runner whose jobs are listed, and the connection to the node that holds them. */
export interface ListSource {
  readonly keys: RunnerKeys;
  readonly redis: Commands;
}

/** Where a job stands in the order of all: newest first, then by runner, then by id downwards. */
interface Place {
  readonly time: number;
  readonly runner: string;
  readonly id: string;
}

/** Jobs that are read in one go: more and more while few are what the filter wants. */
const chunk = { first: 50, growth: 2, last: 400 } as const;
/** Jobs that one call looks at. */
const maxLooked = 2_000;
const waitingLooked = 200;
const maxLimit = 1_000;
const maxListedFieldBytes = 64 * 1024;
const unlisted: ReadonlySet<string> = new Set(["payload", "result", "stderr", "signatures", "receipt"]);
const listedFields = [...clientFields, ...systemFields].filter((name) => !unlisted.has(name));

/** Throws TypeError for a limit, a time or a cursor that is none. */
export async function listJobs(sources: readonly ListSource[], filter: JobListFilter): Promise<ListedPage> {
  const { limit, sinceMs = 0 } = filter;
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new TypeError(`limit is ${limit}; it must be a whole number from 1 to ${maxLimit}`);
  }
  if (Number.isNaN(sinceMs)) throw new TypeError("since is no number");
  const after = filter.cursor === undefined ? undefined : readCursor(filter.cursor);
  if (after === undefined) await Promise.all(sources.map(noteQueue));
  const heads = new Merge(sources, after, filter.sinceMs ?? 0);
  const jobs: ListedJob[] = [];
  let looked = 0;
  let last: Place | undefined;
  let size: number = chunk.first;
  while (jobs.length < filter.limit && looked < maxLooked) {
    const before = jobs.length;
    const places = await heads.take(Math.min(size, maxLooked - looked));
    if (places.length === 0) return { jobs, nextCursor: null };
    for (const [place, job] of await summarize(sources, places, filter)) {
      looked += 1;
      last = place;
      if (job !== undefined && matches(job, filter)) jobs.push(job);
      if (jobs.length === filter.limit) break;
    }
    const few = (jobs.length - before) * 4 < size;
    size = few ? Math.min(size * chunk.growth, chunk.last) : chunk.first;
  }
  return { jobs, nextCursor: last === undefined ? null : writeCursor(last) };
}

function matches(job: ListedJob, { status, reason, callerId }: JobListFilter): boolean {
  if (status !== undefined && job.status !== status) return false;
  if (reason !== undefined && job.reason !== reason) return false;
  return callerId === undefined || job.callerId === callerId;
}

/** The filter, so that Redis leaves out what is not wanted. A status that is none of the words counts as queued. */
function conditionsOf({ status, reason, callerId }: JobListFilter): readonly string[] {
  const others = status === "queued" ? jobStatuses.filter((word) => word !== "queued").toReversed() : [];
  return [
    ...(status === undefined || status === "queued" ? [] : ["status", "is", status]),
    ...others.flatMap((word) => ["status", "not", word]),
    ...(reason === undefined ? [] : ["reason", "is", reason]),
    ...(callerId === undefined ? [] : ["caller_id", "is", callerId]),
  ];
}

/** The newest that wait: pushed by hand, and not taken by any runner yet. */
async function noteQueue({ keys, redis }: ListSource): Promise<void> {
  const reply = await emptyWhenForeign(redis.send(["LRANGE", keys.queue, "0", String(waitingLooked - 1)]));
  const ids = [...new Set(listOf(reply).map(textOf))].filter((id) => idPattern.test(id));
  if (ids.length === 0) return;
  await redis.run(noteWaiting, [keys.recent, ...ids.map((id) => keys.job(id))], ids);
}

/** Several sorted indexes read as one. */
class Merge {
  readonly #readers: readonly IndexReader[];

  constructor(sources: readonly ListSource[], after: Place | undefined, sinceMs: number) {
    this.#readers = sources.map((source) => new IndexReader(source, after, sinceMs));
  }

  /** The next `count` places, fewer only at the end. */
  async take(count: number): Promise<readonly Place[]> {
    const taken: Place[] = [];
    while (taken.length < count) {
      await Promise.all(this.#readers.map((reader) => reader.fill()));
      const first = this.#readers.reduce<IndexReader | undefined>((best, reader) => {
        if (reader.head === undefined) return best;
        return best?.head === undefined || comesBefore(reader.head, best.head) ? reader : best;
      }, undefined);
      const place = first?.head;
      if (first === undefined || place === undefined) break;
      first.shift();
      taken.push(place);
    }
    return taken;
  }
}

class IndexReader {
  readonly #source: ListSource;
  readonly #sinceMs: number;
  #after: Place | undefined;
  #chunk: number = chunk.first;
  #waiting: Place[] = [];
  #ended = false;

  constructor(source: ListSource, after: Place | undefined, sinceMs: number) {
    this.#source = source;
    this.#after = after;
    this.#sinceMs = sinceMs;
  }

  get head(): Place | undefined {
    return this.#waiting[0];
  }

  shift(): void {
    this.#after = this.#waiting.shift();
  }

  /** Sees to it that there is a head unless the index is at its end. */
  async fill(): Promise<void> {
    const { keys, redis } = this.#source;
    const size = this.#chunk;
    // Many jobs may share a millisecond: the offset skips those that came before in it.
    for (let offset = 0; this.#waiting.length === 0 && !this.#ended; offset += size) {
      const from = this.#after === undefined ? "+inf" : String(this.#after.time);
      const reply = await emptyWhenForeign(
        redis.send([
          ...["ZRANGE", keys.recent, from, String(this.#sinceMs), "BYSCORE", "REV"],
          ...["LIMIT", String(offset), String(size), "WITHSCORES"],
        ]),
      );
      const flat = listOf(reply).map(textOf);
      this.#ended = flat.length < 2 * size;
      for (let at = 0; at + 1 < flat.length; at += 2) {
        const place = { time: Number(flat[at + 1]), runner: keys.runner, id: flat[at] ?? "" };
        if (this.#after === undefined || comesBefore(this.#after, place)) this.#waiting.push(place);
      }
      if (this.#waiting.length > 0) {
        this.#ended = false;
        this.#chunk = Math.min(size * chunk.growth, chunk.last);
      }
    }
  }
}

function comesBefore(a: Place, b: Place): boolean {
  if (a.time !== b.time) return a.time > b.time;
  if (a.runner !== b.runner) return a.runner < b.runner;
  return Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)) > 0;
}

async function summarize(
  sources: readonly ListSource[],
  places: readonly Place[],
  filter: JobListFilter,
): Promise<readonly (readonly [Place, ListedJob | undefined])[]> {
  const found = new Map<Place, ListedJob>();
  const conditions = conditionsOf(filter);
  const terms = [String(maxListedFieldBytes), String(conditions.length / 3), ...conditions];
  const work = sources.map(async ({ keys, redis }) => {
    const own = places.filter((place) => place.runner === keys.runner && idPattern.test(place.id));
    if (own.length === 0) return;
    const ids = own.map(({ id }) => id);
    const args = [String(ids.length), ...ids, ...terms, ...listedFields];
    const reply = await redis.run(summaries, [keys.recent, ...ids.map((id) => keys.job(id))], args);
    for (const [at, flat] of listOf(reply).entries()) {
      const place = own[at];
      if (place === undefined || flat === null) continue;
      const { payload: _payload, ...job } = viewJob(pairsOf(listOf(flat)), place);
      found.set(place, job);
    }
  });
  await Promise.all(work);
  return places.map((place) => [place, found.get(place)]);
}

/** A key of another type holds no jobs. */
async function emptyWhenForeign<T>(reply: Promise<T>): Promise<T | []> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof QueueError && error.message.includes("WRONGTYPE")) return [];
    throw error;
  }
}

function writeCursor({ time, runner, id }: Place): string {
  return Buffer.from(`${time}/${runner}/${id}`).toString("base64url");
}

function readCursor(text: string): Place {
  const [time = "", runner = "", id = "", ...rest] = Buffer.from(text, "base64url").toString().split("/");
  const good = /^\d{1,15}$/.test(time) && idPattern.test(runner) && idPattern.test(id) && rest.length === 0;
  if (!good) throw new TypeError("the cursor is not one that a listing answered");
  return { time: Number(time), runner, id };
}
