/**
 * The client SDK: submit a job, wait for it, look at it, follow its output, cancel it. Over Redis, no server between.
 *
 *   await using client = await JobClient.connect("redis://localhost:6379");
 *   const { id } = await client.submit({ runner: "my-hero-runner", payload: 'print("hello")' });
 *   const job = await client.wait(id, { runner: "my-hero-runner" });
 *   console.log(job.status, job.result);
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ClientError, QueueError } from "./errors.ts";
import { decodeJob, encodeJob } from "./codec.ts";
import { isFinal, type Job, type JobStatus, type JobView } from "./job.ts";
import type {
  JobApi,
  JobLocator,
  JobPage,
  ListFilter,
  LogOptions,
  RunnerState,
  SubmitOptions,
  Submitted,
  WaitOptions,
} from "./job-api.ts";
import { defaultKeyPrefix, idPattern, indexKey, keysOf, registryKey, type RunnerKeys } from "./keys.ts";
import { readRunner } from "./inspect.ts";
import { listJobs } from "./list-jobs.ts";
import { followLog, type LogLine } from "./log-reader.ts";
import { cancel } from "./lua/cancel.ts";
import { enqueue, submit } from "./lua/submit.ts";
import type { RawFields } from "./queue.ts";
import { viewJob } from "./record.ts";
import { noJob, operational, toClientError } from "./operational.ts";
import { orAborted, sharedSignal } from "./or-aborted.ts";
import type { RedisConnection } from "./redis/connection.ts";
import { type Commands, ConnectionPool } from "./redis/pool.ts";
import { parseRedisUrl, type RedisTarget } from "./redis/redis-url.ts";
import { listOf, pairsOf, textOf } from "./redis/reply.ts";
import { checkRequest, type JobRequest, maxPayloadBytes, requestAgain } from "./request.ts";

export interface ClientOptions {
  /** Default `hero:`. */
  readonly keyPrefix?: string;
  /** PEM text for rediss://. */
  readonly tlsCa?: string;
}

const defaultPage = 50;
const indexTtlSeconds = 86_400;
const spinMs = 50;
/** A wait looks at the record this often, so that a lost reply costs at most the last of these; the first are for eyes. */
const waitRoundSeconds = { first: 0.1, growth: 1.6, last: 2 } as const;

export class JobClient implements JobApi {
  readonly #prefix: string;
  readonly #pool: ConnectionPool;
  #closed = false;

  private constructor(target: RedisTarget, options: ClientOptions) {
    this.#prefix = options.keyPrefix ?? defaultKeyPrefix;
    this.#pool = new ConnectionPool({
      target,
      ...(options.tlsCa === undefined ? {} : { tlsCa: options.tlsCa }),
    });
  }

  /** Connects at the first call, and again after a failure. Throws TypeError for a bad URL. */
  static open(url: string, options: ClientOptions = {}): JobClient {
    return new JobClient(parseRedisUrl(url), options);
  }

  /** Connects and checks that Redis answers. Throws ClientError UNAVAILABLE or DENIED; TypeError for a bad URL. */
  static async connect(url = "redis://localhost:6379", options: ClientOptions = {}): Promise<JobClient> {
    const client = JobClient.open(url, options);
    try {
      await operational(() => client.#redis(client.#prefix).send(["PING"]));
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /** Stores the job and queues it. Throws ClientError INVALID_JOB (names the field) or CONFLICT (id taken by another job). */
  async submit(request: JobRequest, options: SubmitOptions = {}): Promise<Submitted> {
    const checked = checkRequest(request);
    const job = options.sign === undefined ? checked : await options.sign(checked);
    const keys = this.#keys(job.runner);
    const flat = [...encodeJob(job)].flat();
    return operational(async () => {
      const index = indexKey(job.id, this.#prefix);
      const script = [keys.job(job.id), keys.queue, keys.events, keys.recent];
      const args = [job.id, options.mode ?? "queue", ...flat];
      // Side by side: nobody asks for the job before this has resolved.
      const [reply] = await Promise.all([
        this.#redis(keys.queue).run(submit, script, args),
        this.#redis(index)
          .send(["SET", index, job.runner, "EX", String(indexTtlSeconds)])
          .catch(onlyBugs),
      ]);
      const [word, status] = listOf(reply).map(textOf);
      if (word === "CONFLICT") {
        throw new ClientError(
          "CONFLICT",
          `job ${job.id} exists with other content (${status}); use another id`,
        );
      }
      const outcome = word === "CREATED" ? "created" : "exists";
      return { id: job.id, runner: job.runner, outcome, status: (status ?? "queued") as JobStatus }; // the script answers status words only
    });
  }

  /** Queues a job that was submitted with mode `create`. */
  async start(id: string, locator: JobLocator = {}): Promise<void> {
    const keys = await this.#locate(id, locator);
    const script = [keys.job(id), keys.queue, keys.events];
    const reply = await operational(() => this.#redis(keys.queue).run(enqueue, script, [id]));
    const [word, status] = listOf(reply).map(textOf);
    if (word !== "OK")
      throw new ClientError("CONFLICT", `job ${id} is ${status}, only a created job can be started`);
  }

  /** The job as it is now. Throws ClientError NOT_FOUND. */
  async get(id: string, locator: JobLocator = {}): Promise<JobView> {
    const keys = await this.#locate(id, locator);
    return viewJob(await this.#fields(keys, id), { id, runner: keys.runner });
  }

  async request(id: string, locator: JobLocator = {}): Promise<Job> {
    const keys = await this.#locate(id, locator);
    const key = { id, runner: keys.runner };
    const decoded = decodeJob(await this.#fields(keys, id), key, { maxPayloadBytes });
    if (decoded.ok) return decoded.job;
    throw new ClientError("INVALID_JOB", `what is stored as job ${id} is not a job: ${decoded.message}`);
  }

  async retry(id: string, locator: JobLocator = {}): Promise<Submitted> {
    const { status } = await this.get(id, locator);
    return this.submit(requestAgain(await this.request(id, locator), status));
  }

  async status(id: string, locator: JobLocator = {}): Promise<Pick<JobView, "id" | "status" | "reason">> {
    const { status, reason } = await this.get(id, locator);
    return reason === undefined ? { id, status } : { id, status, reason };
  }

  /** Resolves with the job when it is final. Throws ClientError WAIT_TIMEOUT; rejects with the signal's reason on abort. */
  async wait(id: string, options: WaitOptions = {}): Promise<JobView> {
    const signal = sharedSignal(options.signal);
    const keys = await orAborted(() => this.#locate(id, options), signal);
    const end = options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs;
    const own = this.#block(keys.queue);
    let seen: JobStatus | undefined;
    let roundSeconds: number = waitRoundSeconds.first;
    let answered = false;
    try {
      for (;;) {
        const job = await orAborted(() => this.get(id, { runner: keys.runner }), signal);
        if (job.status !== seen) options.onStatus?.(job);
        seen = job.status;
        if (isFinal(job.status)) return job;
        const leftMs = end - performance.now();
        if (leftMs <= 0)
          throw new ClientError(
            "WAIT_TIMEOUT",
            `job ${id} is still ${job.status} after ${options.timeoutMs} ms`,
          );
        // A reply beside a job that is not final is somebody's mistake; it must not make us spin.
        if (answered) await sleep(spinMs);
        const blockSeconds = Math.min(leftMs / 1000, roundSeconds);
        answered = await replyOrRound(own, keys.reply(id), blockSeconds, signal);
        roundSeconds = Math.min(roundSeconds * waitRoundSeconds.growth, waitRoundSeconds.last);
      }
    } finally {
      own.close();
    }
  }

  /** Live output, from the beginning or after `afterSeq`, until the job is final. Abort with `signal`. Throws NOT_FOUND, also when the job is deleted meanwhile. */
  async *logs(id: string, options: LogOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    const signal = sharedSignal(options.signal);
    const keys = await orAborted(() => this.#locate(id, options), signal);
    const own = this.#block(keys.queue);
    try {
      if ((yield* followLog(own, keys, id, { ...options, signal })) === "gone")
        throw notFound(id, keys.runner);
    } catch (error) {
      throw toClientError(error);
    } finally {
      own.close();
    }
  }

  /** `cancelled`: it had not started and is final now. `requested`: its runner was told. `final`: too late. */
  async cancel(id: string, locator: JobLocator = {}): Promise<"cancelled" | "requested" | "final"> {
    const keys = await this.#locate(id, locator);
    const script = [keys.job(id), keys.queue, keys.reply(id), keys.events];
    const args = [id, keys.control, String(indexTtlSeconds)];
    const word = String(await operational(() => this.#redis(keys.queue).run(cancel, script, args)));
    switch (word) {
      case "CANCELLED":
        return "cancelled";
      case "REQUESTED":
        return "requested";
      case "FINAL":
        return "final";
      default:
        throw notFound(id, keys.runner);
    }
  }

  /** Without a runner: the jobs of all runners that are registered in this Redis. */
  async list(filter: ListFilter = {}): Promise<JobPage> {
    const { limit = defaultPage, runner, ...rest } = filter;
    const runners = runner === undefined ? await this.#registered() : [runner];
    const sources = runners
      .map((one) => this.#keys(one))
      .map((keys) => ({ keys, redis: this.#redis(keys.queue) }));
    try {
      return await operational(() => listJobs(sources, { ...rest, limit }));
    } catch (error) {
      if (error instanceof TypeError) throw new ClientError("INVALID_JOB", error.message, { cause: error });
      throw error;
    }
  }

  async runner(id: string): Promise<RunnerState> {
    const keys = this.#keys(id);
    const { alive, paused, queued, running } = await operational(() =>
      readRunner(this.#redis(keys.queue), keys),
    );
    return { runner: id, alive, paused, queued, running };
  }

  close(): void {
    this.#closed = true;
    this.#pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #keys(runner: string): RunnerKeys {
    if (idPattern.test(runner)) return keysOf(runner, this.#prefix);
    throw new ClientError("INVALID_JOB", `runner ${JSON.stringify(runner)} must match ${idPattern.source}`);
  }

  async #registered(): Promise<readonly string[]> {
    const key = registryKey(this.#prefix);
    const reply = await operational(() => this.#redis(key).send(["HKEYS", key]));
    const ids = listOf(reply).map(textOf);
    if (ids.length > 0) return ids.filter((id) => idPattern.test(id));
    throw new ClientError("NOT_FOUND", "no runner is registered in this Redis; name the runner");
  }

  async #fields(keys: RunnerKeys, id: string): Promise<RawFields> {
    const key = keys.job(id);
    const reply = await operational(() =>
      this.#redis(keys.queue)
        .send(["HGETALL", key])
        .catch((error: unknown) => Promise.reject(noJob(error, key))),
    );
    const fields = pairsOf(listOf(reply));
    if (fields.size === 0) throw notFound(id, keys.runner);
    return fields;
  }

  async #locate(id: string, locator: JobLocator): Promise<RunnerKeys> {
    if (!idPattern.test(id))
      throw new ClientError("INVALID_JOB", `id ${JSON.stringify(id)} must match ${idPattern.source}`);
    if (locator.runner !== undefined) return this.#keys(locator.runner);
    const key = indexKey(id, this.#prefix);
    const runner = await operational(() => this.#redis(key).send(["GET", key]).catch(nullWhenDenied));
    if (!Buffer.isBuffer(runner)) {
      throw new ClientError(
        "NOT_FOUND",
        `it is not known which runner job ${id} belongs to; name the runner`,
      );
    }
    return this.#keys(runner.toString());
  }

  #redis(routeKey: string): Commands {
    return this.#pool.at(routeKey);
  }

  /** A connection of its own for a call that blocks; closed by the call, or with the client. */
  #block(routeKey: string): RedisConnection {
    if (this.#closed) throw new ClientError("UNAVAILABLE", "the client is closed");
    return this.#pool.open(routeKey);
  }
}

/** Waits for the reply without taking it away from other waiters: the one element is rotated in place. True: it is there. */
async function replyOrRound(
  connection: RedisConnection,
  replyKey: string,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  signal?.throwIfAborted();
  const abort = (): void => connection.drop();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const block = Math.max(seconds, 0.01).toFixed(3);
    const deadlineMs = seconds * 1000 + 2_000;
    const reply = await operational(() =>
      connection
        .send(["BLMOVE", replyKey, replyKey, "LEFT", "LEFT", block], { deadlineMs })
        .catch((error: unknown) => roundWhenFull(error, seconds, signal)),
    );
    return reply !== null;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** A full Redis refuses to turn even that one element, and stores endings all the same: the record will tell. */
async function roundWhenFull(
  error: unknown,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<null> {
  if (!(error instanceof QueueError) || error.code !== "FULL") throw error;
  return sleep(seconds * 1000, null, { signal });
}

/** The index is a convenience: where it may not be written, or its node is away, the job is submitted all the same. */
function onlyBugs(error: unknown): void {
  if (!(error instanceof QueueError)) throw error;
}

function nullWhenDenied(error: unknown): null {
  if (error instanceof QueueError && error.code === "DENIED") return null;
  throw error;
}

function notFound(id: string, runner: string): ClientError {
  return new ClientError(
    "NOT_FOUND",
    `runner ${runner} has no job ${id}; it was never submitted or has expired`,
  );
}
