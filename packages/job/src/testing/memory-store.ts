/**
 * The shared state behind MemoryQueue: what Redis holds for one runner id, and the transitions of lua/ on it.
 * Several queues on one store are several runner processes. For tests of engines and runners; nothing is durable.
 */
import { isFinal, type JobView } from "../job.ts";
import type { JobReason } from "../outcome.ts";
import type { LogEntry } from "../queue.ts";
import { statusOf, viewJob } from "../record.ts";
import { outcomeFields } from "../redis/script.ts";

export interface MemoryStoreOptions {
  /** Default `test-runner`. */
  readonly runner?: string;
  /** The store's clock, ms. Leases are judged by it alone. Default Date.now. */
  readonly now?: () => number;
}

export type FieldValues = Readonly<Record<string, string | Uint8Array>>;

export class MemoryStore {
  readonly runner: string;
  readonly now: () => number;
  /** Ids that wait; the next one to be taken is last, as in the Redis list. */
  readonly queue: string[] = [];
  readonly active: string[] = [];
  readonly leases = new Map<string, number>();
  readonly dead: string[] = [];
  readonly replies = new Map<string, string>();
  readonly logs = new Map<string, (LogEntry & { readonly seq: number })[]>();
  readonly starts = new Map<string, { readonly count: number; readonly untilMs: number }>();
  readonly #jobs = new Map<string, Map<string, Buffer>>();
  #waiters: (() => void)[] = [];

  constructor(options: MemoryStoreOptions = {}) {
    this.runner = options.runner ?? "test-runner";
    this.now = options.now ?? Date.now;
  }

  /** What a client does with HSET. */
  write(id: string, fields: FieldValues): void {
    const job = this.#jobs.get(id) ?? new Map<string, Buffer>();
    for (const [name, value] of Object.entries(fields)) job.set(name, Buffer.from(value));
    this.#jobs.set(id, job);
  }

  /** What a client does with LPUSH. */
  push(id: string): void {
    this.queue.unshift(id);
    this.wake();
  }

  /** What a client does with both: `store.submit("42", { payload: "…" })`. */
  submit(id: string, fields: FieldValues): void {
    this.write(id, fields);
    this.push(id);
  }

  /** The hash as it is, or undefined. */
  fields(id: string): ReadonlyMap<string, Buffer> | undefined {
    return this.#jobs.get(id);
  }

  text(id: string, name: string): string | undefined {
    return this.#jobs.get(id)?.get(name)?.toString();
  }

  view(id: string): JobView | undefined {
    const fields = this.#jobs.get(id);
    return fields === undefined ? undefined : viewJob(fields, { id, runner: this.runner });
  }

  /** See lua/cancel.ts. */
  cancel(id: string): "cancelled" | "requested" | "final" | "missing" {
    if (!this.#jobs.has(id)) return "missing";
    const status = statusOf(this.text(id, "status"));
    if (isFinal(status)) return "final";
    this.write(id, { cancel: "1" });
    const waited = status === "created" || status === "queued" ? removeAll(this.queue, id) : 0;
    if (status !== "created" && (status !== "queued" || waited === 0)) return "requested";
    this.conclude(id, "client", "error", failure("cancelled", "cancelled before it was started"));
    return "cancelled";
  }

  /** The one place where a job becomes final. */
  conclude(id: string, by: string, status: "finished" | "error", fields: FieldValues): void {
    const finals = wholeNumber(this.text(id, "finals"), 0, 1_000_000);
    const job = this.#jobs.get(id);
    for (const name of outcomeFields) job?.delete(name);
    this.write(id, fields);
    const times = { finished_at: String(this.now()), finals: String(finals + 1) };
    this.write(id, { status, done_token: by, token: "", ...times });
    this.replies.set(id, status);
  }

  /** The record of an id whose hash never came. */
  concludeMissing(id: string): void {
    const sentence =
      "the id was pushed to the queue but its hash was never written; write the hash first, then push the id";
    this.write(id, { id });
    this.conclude(id, "queue", "error", failure("missing", sentence));
  }

  bury(id: string): void {
    this.dead.unshift(id);
    this.dead.length = Math.min(this.dead.length, 1_000);
  }

  /** The oldest waiting id moves to active. */
  take(): string | undefined {
    const id = this.queue.pop();
    if (id !== undefined) this.active.unshift(id);
    return id;
  }

  /** Back to the end that is taken next. */
  putBack(id: string): void {
    this.queue.push(id);
    this.wake();
  }

  /** Resolves at the next push, at `wake`, or when `signal` aborts. */
  pushed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      if (signal.aborted) return resolve();
      signal.addEventListener("abort", done, { once: true });
      this.#waiters.push(done);
    });
  }

  /** Whoever waits for a push has a look. */
  wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

export function failure(reason: JobReason, error: string): FieldValues {
  return { reason, error };
}

/** Removes one occurrence, from the end; tells whether there was one. */
export function removeLast(list: string[], id: string): boolean {
  const at = list.lastIndexOf(id);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}

function removeAll(list: string[], id: string): number {
  const before = list.length;
  for (let at = list.indexOf(id); at >= 0; at = list.indexOf(id)) list.splice(at, 1);
  return before - list.length;
}

/** Clients own the hash, so a number field may hold anything. The lowest value stands in for nonsense. */
export function wholeNumber(text: string | undefined, low: number, high: number): number {
  const value = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isNaN(value) ? low : Math.min(Math.max(Math.floor(value), low), high);
}
