/**
 * The client SDK over HTTP: the verbs of JobClient, spoken to a supervisor. Nothing but fetch is needed, so it works
 * through every proxy; what is live is asked for again and again, at most ten times a second.
 *
 *   await using client = await SupervisorClient.connect("http://127.0.0.1:8082", { apiKey });
 *   const { id } = await client.submit({ runner: "my-hero-runner", payload: 'print("hello")' });
 *   const job = await client.wait(id);
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ClientError } from "./errors.ts";
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
import { isFinal, type Job, type JobView } from "./job.ts";
import { idPattern } from "./keys.ts";
import type { LogLine } from "./log-reader.ts";
import { sharedSignal } from "./or-aborted.ts";
import { statusOf } from "./record.ts";
import { checkRequest, type JobRequest } from "./request.ts";
import { RpcCaller, type RpcCallerOptions } from "./rpc-caller.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./strict-json.ts";
import { wireJob } from "./wire-job.ts";
import { readWireView } from "./wire-view.ts";

/** How often is asked: soon after something happened, then less and less. */
const pollMs = { first: 100, growth: 1.4, last: 1_000 } as const;
const logPage = 500;

export class SupervisorClient implements JobApi {
  readonly #rpc: RpcCaller;

  private constructor(rpc: RpcCaller) {
    this.#rpc = rpc;
  }

  /** Checks that a supervisor answers and accepts the key. Throws ClientError UNAVAILABLE or DENIED; TypeError for a bad URL. */
  static async connect(url: string, options: RpcCallerOptions): Promise<SupervisorClient> {
    const client = new SupervisorClient(new RpcCaller(url, options));
    await client.#rpc.call("job.list", { limit: 1 });
    return client;
  }

  async submit(request: JobRequest, options: SubmitOptions = {}): Promise<Submitted> {
    const checked = checkRequest(request);
    const job = options.sign === undefined ? checked : await options.sign(checked);
    const method = options.mode === "create" ? "job.create" : "job.run";
    const answer = objectOf(await this.#rpc.call(method, wireJob(job)));
    const outcome = answer.get("outcome") === "exists" ? "exists" : "created";
    return { id: job.id, runner: job.runner, outcome, status: statusOf(textOf(answer, "status")) };
  }

  async start(id: string, locator: JobLocator = {}): Promise<void> {
    await this.#rpc.call("job.start", named(id, locator));
  }

  async get(id: string, locator: JobLocator = {}): Promise<JobView> {
    return this.#get(id, locator);
  }

  async status(id: string, locator: JobLocator = {}): Promise<Pick<JobView, "id" | "status" | "reason">> {
    return this.#status(id, locator);
  }

  async wait(id: string, options: WaitOptions = {}): Promise<JobView> {
    const { timeoutMs } = options;
    const signal = sharedSignal(options.signal);
    const end = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
    const pause = new Pause();
    signal?.throwIfAborted();
    let job = await this.#get(id, options, signal);
    for (options.onStatus?.(job); !isFinal(job.status);) {
      const leftMs = end - performance.now();
      if (leftMs <= 0) {
        throw new ClientError("WAIT_TIMEOUT", `job ${id} is still ${job.status} after ${timeoutMs} ms`);
      }
      await pause.take(Math.min(leftMs, pollMs.last), signal);
      const { status } = await this.#status(id, options, signal);
      if (status === job.status) continue;
      job = await this.#get(id, options, signal);
      options.onStatus?.(job);
    }
    return job;
  }

  async *logs(id: string, options: LogOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    const signal = sharedSignal(options.signal);
    let after = options.afterSeq ?? 0;
    for (const pause = new Pause(); ;) {
      signal?.throwIfAborted();
      const answer = objectOf(
        await this.#rpc.call("job.logs", { ...named(id, options), after, limit: logPage }, signal),
      );
      const lines = listOf(answer.get("entries")).map(lineOf);
      for (const line of lines) {
        yield line;
        after = line.seq;
      }
      if (lines.length > 0) pause.reset();
      else if (answer.get("final") === true || options.follow === false) return;
      else await pause.take(pollMs.last, signal);
    }
  }

  async cancel(id: string, locator: JobLocator = {}): Promise<"cancelled" | "requested" | "final"> {
    const before = await this.get(id, locator);
    if (isFinal(before.status)) return "final";
    try {
      const after = viewOf(await this.#rpc.call("job.cancel", named(id, locator)));
      if (!isFinal(after.status)) return "requested";
      return after.reason === "cancelled" ? "cancelled" : "final";
    } catch (error) {
      // It ended between the two calls.
      if (error instanceof ClientError && error.code === "CONFLICT") return "final";
      throw error;
    }
  }

  async list(filter: ListFilter = {}): Promise<JobPage> {
    const { callerId, sinceMs, ...rest } = filter;
    const named = { ...rest, caller_id: callerId, since: sinceMs };
    const answer = objectOf(await this.#rpc.call("job.list", named));
    const cursor = answer.get("next_cursor");
    const jobs = listOf(answer.get("jobs")).map(viewOf);
    return {
      jobs: jobs.map(({ payload: _payload, ...summary }) => summary),
      nextCursor: typeof cursor === "string" ? cursor : null,
    };
  }

  async runner(id: string): Promise<RunnerState> {
    const unknown = { runner: id, alive: false, paused: false, queued: 0, running: 0 };
    const answer = await this.#rpc.call("runner.get", { id: checkedId(id) }).catch((error: unknown) => {
      if (error instanceof ClientError && error.code === "NOT_FOUND") return undefined;
      throw error;
    });
    if (answer === undefined) return unknown;
    const view = objectOf(answer);
    return {
      runner: id,
      alive: view.get("alive") === true,
      paused: view.get("paused") === true,
      queued: Number(view.get("queued") ?? 0),
      running: Number(view.get("running") ?? 0),
    };
  }

  async request(id: string, locator: JobLocator = {}): Promise<Job> {
    const { envNames, ...view } = await this.get(id, locator);
    if (envNames.length > 0) {
      const names = envNames.join(", ");
      throw new ClientError(
        "DENIED",
        `job ${id} has variables (${names}), and a supervisor never shows their values; retry it unchanged, or submit it from its script`,
      );
    }
    return checkRequest({
      id,
      runner: view.runner,
      payload: view.payload,
      timeoutSeconds: view.timeoutSeconds,
      maxAttempts: view.maxAttempts,
      callerId: view.callerId ?? "",
      contextId: view.contextId ?? "",
      executor: view.executor ?? "",
    });
  }

  async retry(id: string, locator: JobLocator = {}): Promise<Submitted> {
    const { runner } = await this.get(id, locator);
    const answer = objectOf(await this.#rpc.call("job.retry", named(id, { runner })));
    const status = statusOf(textOf(answer, "status"));
    return { id: textOf(answer, "id"), runner, outcome: "created", status };
  }

  close(): void {
    this.#rpc.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  async #get(id: string, locator: JobLocator, signal?: AbortSignal): Promise<JobView> {
    return viewOf(await this.#rpc.call("job.get", named(id, locator), signal));
  }

  async #status(id: string, locator: JobLocator, signal?: AbortSignal) {
    const answer = objectOf(await this.#rpc.call("job.status", named(id, locator), signal));
    const { status, reason } = viewOf(new Map([...answer, ["runner", ""]]));
    return reason === undefined ? { id, status } : { id, status, reason };
  }
}

class Pause {
  #ms: number = pollMs.first;

  reset(): void {
    this.#ms = pollMs.first;
  }

  /** Waits, each time longer, at most `atMostMs`. Rejects with the signal's reason when it aborts. */
  async take(atMostMs: number, signal: AbortSignal | undefined): Promise<void> {
    const ms = Math.min(this.#ms, atMostMs);
    this.#ms = Math.min(this.#ms * pollMs.growth, pollMs.last);
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  }
}

/** The parameters that say which job. */
function named(id: string, { runner }: JobLocator): { readonly id: string; readonly runner?: string } {
  return runner === undefined
    ? { id: checkedId(id) }
    : { id: checkedId(id), runner: checkedId(runner, "runner") };
}

function checkedId(id: string, name = "id"): string {
  if (idPattern.test(id)) return id;
  throw new ClientError("INVALID_JOB", `${name} ${JSON.stringify(id)} must match ${idPattern.source}`);
}

function lineOf(value: JsonValue): LogLine {
  const entry = objectOf(value);
  return {
    seq: Number(entry.get("seq")),
    stream: entry.get("stream") === "err" ? "err" : "out",
    offset: Number(entry.get("offset")),
    data: textOf(entry, "data"),
    timeMs: Number(entry.get("time")),
  };
}

function viewOf(value: JsonValue): JobView {
  const view = readWireView(value);
  if (view === undefined) throw notUnderstood();
  return view;
}

function objectOf(value: JsonValue): JsonObject {
  if (!isJsonObject(value)) throw notUnderstood();
  return value;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(value)) throw notUnderstood();
  return value as readonly JsonValue[]; // Array.isArray loses the element type
}

function textOf(object: JsonObject, name: string): string {
  const value = object.get(name);
  return typeof value === "string" ? value : "";
}

function notUnderstood(): ClientError {
  return new ClientError(
    "UNAVAILABLE",
    "the supervisor's answer is not understood; is its version another one?",
  );
}
