/** Jobs, as the methods want them: found by their id alone, shown as they go over the wire, refused with RpcErrors. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  ClientError,
  decodeJob,
  idPattern,
  indexKey,
  isFinal,
  type JobClient,
  type JobRequest,
  type JobView,
  type ListedJob,
  listJobs,
  readJob,
  readJobFields,
  readLogEntries,
  removeJob,
  type RunnerKeys,
  type Submitted,
  wireView,
  type ConnectionPool,
  QueueError,
} from "@herorunner/job";
import { RpcError } from "../rpc/errors.ts";
import type { JobSummaryWire, JobViewWire } from "../rpc/schemas.ts";
import { type JobRequestWire, readJobRequest, resubmitCommand } from "./job-request.ts";
import { inPortions } from "./in-portions.ts";
import type { RunnerRegistry } from "./runners.ts";
import { type SubmitTraces, untraced } from "./submit-traces.ts";

export interface JobStoreOptions {
  readonly client: JobClient;
  readonly redis: ConnectionPool;
  readonly runners: RunnerRegistry;
  readonly prefix: string;
  /** Told of each job that was handed in. */
  readonly onSubmitted?: (outcome: "created" | "exists" | "conflict") => void;
  readonly traces?: SubmitTraces;
}

export interface ListFilterWire {
  readonly runner?: string | undefined;
  readonly status?: JobView["status"] | undefined;
  readonly reason?: NonNullable<JobView["reason"]> | undefined;
  readonly caller_id?: string | undefined;
  readonly since?: number | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

const maxPayloadBytes = 64 * 1024 * 1024;
const defaultPage = 50;
/** While Redis is away. */
const firstLookAgainMs = 250;
const longestLookAgainMs = 2_000;

export class JobStore {
  readonly #options: JobStoreOptions;

  constructor(options: JobStoreOptions) {
    this.#options = options;
  }

  /** `traceparent`: of the request, for a job that names no trace. */
  async create(
    wire: JobRequestWire,
    mode: "create" | "queue",
    traceparent: string | undefined,
  ): Promise<Submitted> {
    await this.#options.runners.mustBeKnown(wire.runner);
    const request = readJobRequest(wire);
    return this.#submit({ request, traceparent: wire.trace ?? traceparent }, mode);
  }

  async #submit(
    { request, traceparent }: { readonly request: JobRequest; readonly traceparent: string | undefined },
    mode: "create" | "queue",
  ): Promise<Submitted> {
    const { client, onSubmitted, traces = untraced } = this.#options;
    try {
      const submitted = await traces(request, traceparent, (traced) => client.submit(traced, { mode }));
      onSubmitted?.(submitted.outcome);
      return submitted;
    } catch (error) {
      if (error instanceof ClientError && error.code === "CONFLICT") onSubmitted?.("conflict");
      throw error;
    }
  }

  async start(id: string, runner: string | undefined): Promise<JobViewWire> {
    const keys = await this.locate(id, runner);
    try {
      await this.#options.client.start(id, { runner: keys.runner });
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== "CONFLICT") throw error;
      const { status } = await this.#read(keys, id);
      throw new RpcError("not_allowed", `job ${id} is ${status}; only a created job can be started`, {
        reason: "not_created",
      });
    }
    return this.#view(keys, id);
  }

  async get(id: string, runner: string | undefined): Promise<JobViewWire> {
    return this.#view(await this.locate(id, runner), id);
  }

  /** Waits up to `waitMs`, also while Redis is away; answers the job as it is then. */
  async viewWhenFinal(
    id: string,
    runner: string,
    { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<JobViewWire> {
    const end = performance.now() + waitMs;
    let lookAgainMs = firstLookAgainMs;
    for (let leftMs = waitMs; leftMs > 0 && !signal.aborted; leftMs = end - performance.now()) {
      try {
        await this.#options.client.wait(id, { runner, timeoutMs: leftMs, signal });
        break;
      } catch (error) {
        if (signal.aborted) break;
        if (!mayGoBy(error)) throw error;
        await sleep(Math.min(lookAgainMs, leftMs), undefined, { signal }).catch(() => undefined);
        lookAgainMs = Math.min(2 * lookAgainMs, longestLookAgainMs) * (0.75 + Math.random() / 4);
      }
    }
    return this.#view(this.#options.runners.keys(runner), id);
  }

  async cancel(id: string, runner: string | undefined): Promise<JobViewWire> {
    const keys = await this.locate(id, runner);
    await this.#options.client.cancel(id, { runner: keys.runner });
    return this.#view(keys, id);
  }

  async remove(id: string, runner: string | undefined): Promise<boolean> {
    const { redis, runners, prefix } = this.#options;
    const keys = await this.locate(id, runner).catch(nullWhenNotFound);
    if (keys === null) return false;
    const answer = await removeJob(runners.at(keys), keys, id);
    if (answer === "runs") {
      throw new RpcError("conflict", `runner ${keys.runner} has job ${id}`, {
        reason: "runs",
        hint: "Cancel it first, then delete it.",
      });
    }
    const index = indexKey(id, prefix);
    await redis.at(index).send(["DEL", index]);
    return answer === "deleted";
  }

  async retry(
    id: string,
    runner: string | undefined,
    traceparent: string | undefined,
  ): Promise<{ id: string; retry_of: string; status: JobView["status"] }> {
    const keys = await this.locate(id, runner);
    const { status } = await this.#read(keys, id);
    if (!isFinal(status)) {
      throw new RpcError("not_allowed", `job ${id} is ${status}; only a final job can be retried`, {
        reason: "not_final",
      });
    }
    const request = await this.#requestOf(keys, id);
    const retried = await this.#submit({ request, traceparent: traceparent ?? request.trace }, "queue");
    return { id: retried.id, retry_of: id, status: retried.status };
  }

  async #requestOf(keys: RunnerKeys, id: string): Promise<JobRequest> {
    const fields = await readJobFields(this.#options.runners.at(keys), keys, id);
    if (fields === undefined) throw noSuchJob(id);
    const decoded = decodeJob(fields, { id, runner: keys.runner }, { maxPayloadBytes });
    if (!decoded.ok) {
      const sentence = `job ${id} cannot be submitted again: ${decoded.message}`;
      throw new RpcError("not_allowed", sentence, { reason: "malformed" });
    }
    const { job } = decoded;
    if (job.signatures.length > 0) {
      throw new RpcError("not_allowed", `job ${id} is signed; only its signers can submit it again`, {
        reason: "signed",
        command: resubmitCommand(job),
        hint: "Save the payload as script.hero (job.get shows it), fill in the values of its variables and run the command.",
      });
    }
    return {
      runner: job.runner,
      payload: job.payload,
      callerId: job.callerId,
      contextId: job.contextId,
      executor: job.executor,
      envVars: job.envVars,
      maxAttempts: job.maxAttempts,
      trace: job.trace,
      ...(job.timeoutSeconds === undefined ? {} : { timeoutSeconds: job.timeoutSeconds }),
    };
  }

  async logs(
    id: string,
    runner: string | undefined,
    { after, limit }: { readonly after: number; readonly limit: number },
  ) {
    const keys = await this.locate(id, runner);
    const redis = this.#options.runners.at(keys);
    // The status first: when it is final, the entries that follow are all there will ever be.
    const { status } = await this.#read(keys, id);
    const found = await readLogEntries(redis, keys.log(id), { after, limit });
    const next = found.at(-1)?.seq ?? after;
    const more =
      found.length === 0 ? [] : await readLogEntries(redis, keys.log(id), { after: next, limit: 1 });
    return {
      entries: found.map(({ timeMs, ...line }) => ({ ...line, time: timeMs })),
      next,
      final: isFinal(status) && more.length === 0,
    };
  }

  async list(filter: ListFilterWire): Promise<{ jobs: JobSummaryWire[]; next_cursor: string | null }> {
    const { runners } = this.#options;
    const names = filter.runner === undefined ? await runners.names() : [filter.runner];
    const sources = names.map((name) => {
      const keys = runners.keys(name);
      return { keys, redis: runners.at(keys) };
    });
    const { status, reason, caller_id: callerId, since: sinceMs, limit = defaultPage, cursor } = filter;
    try {
      const page = await listJobs(sources, {
        limit,
        ...(status === undefined ? {} : { status }),
        ...(reason === undefined ? {} : { reason }),
        ...(callerId === undefined ? {} : { callerId }),
        ...(sinceMs === undefined ? {} : { sinceMs }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { jobs: page.jobs.map(summaryWire), next_cursor: page.nextCursor };
    } catch (error) {
      if (error instanceof TypeError) throw new RpcError("invalid_params", `cursor: ${error.message}`);
      throw error;
    }
  }

  /** Where the job is. Jobs that were pushed without an SDK, or long ago, are looked for at every registered runner. */
  async locate(id: string, runner: string | undefined): Promise<RunnerKeys> {
    const { redis, runners, prefix } = this.#options;
    if (runner !== undefined) return this.#mustHold([runners.keys(runner)], id);
    const index = indexKey(id, prefix);
    const known = await redis.at(index).send(["GET", index]);
    const indexed = Buffer.isBuffer(known) && idPattern.test(known.toString()) ? [known.toString()] : [];
    const first = await this.#holding(
      indexed.map((name) => runners.keys(name)),
      id,
    );
    if (first[0] !== undefined) return first[0];
    const names = await runners.names();
    return this.#mustHold(
      names.map((name) => runners.keys(name)),
      id,
    );
  }

  async #mustHold(places: readonly RunnerKeys[], id: string): Promise<RunnerKeys> {
    const [found, ...others] = await this.#holding(places, id);
    if (found === undefined) throw noSuchJob(id);
    if (others.length === 0) return found;
    const holders = [found, ...others].map(({ runner }) => runner);
    throw new RpcError("conflict", `several runners have a job ${id}: ${holders.slice(0, 10).join(", ")}`, {
      reason: "ambiguous",
      hint: "Name one of them in the parameter runner.",
    });
  }

  async #holding(places: readonly RunnerKeys[], id: string): Promise<readonly RunnerKeys[]> {
    const { runners } = this.#options;
    const exists = await inPortions(places, (keys) => runners.at(keys).send(["EXISTS", keys.job(id)]));
    return places.filter((_keys, at) => exists[at] === 1);
  }

  async #view(keys: RunnerKeys, id: string): Promise<JobViewWire> {
    return wireView(await this.#read(keys, id)) as JobViewWire; // tests hold the view to the schema
  }

  async #read(keys: RunnerKeys, id: string): Promise<JobView> {
    const view = await readJob(this.#options.runners.at(keys), keys, id);
    if (view === undefined) throw noSuchJob(id);
    return view;
  }
}

function summaryWire(job: ListedJob): JobSummaryWire {
  return wireView(job) as JobSummaryWire; // tests hold the view to the schema
}

function noSuchJob(id: string): RpcError {
  return new RpcError("not_found", `there is no job ${id}; it was never submitted or has expired`, {
    reason: "job_not_found",
  });
}

function nullWhenNotFound(error: unknown): null {
  if (error instanceof RpcError && error.data.reason === "job_not_found") return null;
  throw error;
}

/** Redis may be back in a moment, and the job may end; what Redis refuses it will refuse again. */
function mayGoBy(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  const isRefused = error.cause instanceof QueueError && error.cause.code === "REJECTED";
  return error.code === "WAIT_TIMEOUT" || (error.code === "UNAVAILABLE" && !isRefused);
}
