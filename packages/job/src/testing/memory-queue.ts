/**
 * JobQueue in memory, with the semantics of RedisJobQueue: same leases, same fencing, same putting aside. Made for
 * tests of engines and custom runners:
 *
 *   const queue = new MemoryQueue();
 *   queue.store.submit("42", { payload: "hello" });
 *   const [claim] = await queue.claim(new AbortController().signal);
 */
import { randomBytes } from "node:crypto";
import { idPattern } from "../keys.ts";
import { LogWindow } from "../log-window.ts";
import type { JobOutcome } from "../outcome.ts";
import type {
  Claim,
  ClaimOptions,
  ClaimProof,
  JobQueue,
  LogEntry,
  OverdueLease,
  OverdueLook,
  ReclaimAnswer,
  RenewAnswer,
  SettleDetails,
  StartAnswer,
  StartOptions,
} from "../queue.ts";
import { encodeOutcome } from "../record.ts";
import { failure, MemoryStore, removeLast, wholeNumber } from "./memory-store.ts";

export interface MemoryQueueOptions {
  /** Default: a store of its own. */
  readonly store?: MemoryStore;
  readonly owner?: string;
  readonly leaseMs?: number;
  readonly adoptGraceMs?: number;
  readonly maxClaims?: number;
  readonly maxHashBytes?: number;
  readonly onPutAside?: (what: { readonly jobId: string; readonly why: string }) => void;
}

const lookAgainAfterMs = [100, 400, 1_500] as const;

export class MemoryQueue implements JobQueue {
  readonly store: MemoryStore;
  readonly #options: Required<Omit<MemoryQueueOptions, "store">>;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #logs = new Map<string, LogWindow>();

  constructor(options: MemoryQueueOptions = {}) {
    const { store = new MemoryStore(), ...rest } = options;
    this.store = store;
    this.#options = {
      owner: "memory",
      leaseMs: 6_000,
      adoptGraceMs: 2_000,
      maxClaims: 5,
      maxHashBytes: 20 * 1024 * 1024,
      onPutAside: () => undefined,
      ...rest,
    };
  }

  async claim(signal: AbortSignal, options: ClaimOptions = {}): Promise<readonly Claim[]> {
    const claims: Claim[] = [];
    while (!signal.aborted && claims.length < (options.most ?? 1)) {
      const id = this.store.take();
      if (id !== undefined) {
        const claim = this.#begin(id);
        if (claim !== undefined) claims.push(claim);
        continue;
      }
      if (claims.length > 0 || (options.wait === false && this.#timers.size === 0)) break;
      await this.store.pushed(signal);
    }
    return claims;
  }

  /** See lua/begin.ts. */
  #begin(id: string): Claim | undefined {
    const { store } = this;
    const fields = store.fields(id);
    if (!idPattern.test(id)) return this.#dead(id, "not a job id");
    if (fields === undefined) {
      this.#lookAgain(id, 0);
      return undefined;
    }
    const read = (name: string): string | undefined => store.text(id, name);
    if (isFinalText(read("status"))) return this.#aside(id, "final");
    if ((read("token") ?? "") !== "" && store.leases.has(id)) {
      if (store.active.filter((one) => one === id).length > 1) removeLast(store.active, id);
      this.#options.onPutAside({ jobId: id, why: "duplicate" });
      return undefined;
    }
    const attempts = wholeNumber(read("max_attempts"), 1, 10);
    const attempt = wholeNumber(read("attempt"), 0, 1_000);
    const claims = wholeNumber(read("claims"), 0, 1_000_000) + 1;
    if (read("cancel") === "1") {
      store.conclude(id, "queue", "error", failure("cancelled", "cancelled before it was started"));
      return this.#aside(id, "cancelled");
    }
    if (read("status") === "started" && attempt >= attempts) {
      store.conclude(id, "queue", "error", failure("runner_lost", lostSentence(attempt, attempts)));
      return this.#aside(id, "lost");
    }
    if (claims > Math.max(this.#options.maxClaims, attempts)) {
      store.conclude(id, "queue", "error", failure("poisoned", poisonSentence(claims - 1)));
      return this.#aside(id, "poisoned");
    }
    const token = randomBytes(16).toString("hex");
    const owner = { token, owner: this.#options.owner, claims: String(claims) };
    store.write(id, { status: "dispatched", dispatched_at: String(store.now()), ...owner });
    store.leases.set(id, store.now() + this.#options.leaseMs);
    let bytes = 0;
    for (const [name, value] of fields) bytes += Buffer.byteLength(name) + value.byteLength;
    const claim = { jobId: id, token, claims };
    return bytes > this.#options.maxHashBytes
      ? { ...claim, fields: new Map(), oversizedBytes: bytes }
      : { ...claim, fields: new Map(fields) };
  }

  #aside(id: string, why: string): undefined {
    removeLast(this.store.active, id);
    this.store.leases.delete(id);
    this.#options.onPutAside({ jobId: id, why });
  }

  #dead(id: string, why: string): undefined {
    this.store.bury(id);
    this.#aside(id, why);
  }

  #lookAgain(id: string, round: number): void {
    const waitedMs = round === 0 ? 0 : (lookAgainAfterMs[round - 1] ?? 0);
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#lookOnce(id, round);
        this.store.wake(); // who does not wait for jobs waits for this
      },
      (lookAgainAfterMs[round] ?? 0) - waitedMs,
    );
    this.#timers.add(timer);
  }

  #lookOnce(id: string, round: number): void {
    const { store } = this;
    const last = round === lookAgainAfterMs.length - 1;
    if (store.fields(id) === undefined && !last) return this.#lookAgain(id, round + 1);
    if (!removeLast(store.active, id)) return;
    store.leases.delete(id);
    if (store.fields(id) !== undefined) return store.putBack(id);
    store.bury(id);
    store.concludeMissing(id);
    this.#options.onPutAside({ jobId: id, why: "missing" });
  }

  /** See lua/start.ts. */
  start(claim: ClaimProof, options: StartOptions = {}): Promise<StartAnswer> {
    const { store } = this;
    const id = claim.jobId;
    if (!this.#holds(claim)) return Promise.resolve("lost");
    if (store.text(id, "status") === "started") return Promise.resolve("started");
    if (store.text(id, "cancel") === "1") return Promise.resolve("cancelled");
    const guardMs = options.replayGuardMs ?? 0;
    if (guardMs > 0) {
      const seen = store.starts.get(id);
      const count = seen !== undefined && seen.untilMs > store.now() ? seen.count + 1 : 1;
      if (count > (options.maxStarts ?? 1)) return Promise.resolve("replayed");
      store.starts.set(id, { count, untilMs: store.now() + guardMs });
    }
    const attempt = wholeNumber(store.text(id, "attempt"), 0, 1_000) + 1;
    store.write(id, { status: "started", started_at: String(store.now()), attempt: String(attempt) });
    store.leases.set(id, store.now() + this.#options.leaseMs);
    return Promise.resolve("started");
  }

  renew(claims: readonly ClaimProof[]): Promise<readonly RenewAnswer[]> {
    return Promise.resolve(
      claims.map((claim) => {
        if (!this.#holds(claim)) return "lost";
        this.store.leases.set(claim.jobId, this.store.now() + this.#options.leaseMs);
        return this.store.text(claim.jobId, "cancel") === "1" ? "cancel" : "held";
      }),
    );
  }

  /** See lua/finish.ts. */
  settle(claim: ClaimProof, outcome: JobOutcome, details?: SettleDetails): Promise<"settled" | "lost"> {
    const { store } = this;
    if (store.text(claim.jobId, "done_token") === claim.token) return Promise.resolve("settled");
    if (!this.#holds(claim)) return Promise.resolve("lost");
    this.#append(claim, details?.log ?? []);
    this.#logs.delete(claim.token);
    const flat = encodeOutcome(outcome, details);
    const fields: Record<string, string> = {};
    for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ""] = flat[i + 1] ?? "";
    store.conclude(claim.jobId, claim.token, outcome.kind, fields);
    store.leases.delete(claim.jobId);
    removeLast(store.active, claim.jobId);
    return Promise.resolve("settled");
  }

  release(claim: ClaimProof): Promise<"released" | "lost"> {
    const { store } = this;
    const id = claim.jobId;
    if (!this.#holds(claim) || store.text(id, "status") !== "dispatched") return Promise.resolve("lost");
    const claims = Math.max(wholeNumber(store.text(id, "claims"), 0, 1_000_000) - 1, 0);
    store.write(id, { status: "queued", token: "", claims: String(claims) });
    store.leases.delete(id);
    removeLast(store.active, id);
    store.putBack(id);
    return Promise.resolve("released");
  }

  appendLog(claim: ClaimProof, entries: readonly LogEntry[]): Promise<void> {
    if (this.#holds(claim)) this.#append(claim, entries);
    return Promise.resolve();
  }

  #append(claim: ClaimProof, entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    const window = this.#logs.get(claim.token) ?? new LogWindow();
    this.#logs.set(claim.token, window);
    const log = this.store.logs.get(claim.jobId) ?? [];
    for (const entry of entries) {
      window.add(Buffer.byteLength(entry.data));
      log.push({ ...entry, seq: (log.at(-1)?.seq ?? 0) + 1 });
    }
    this.store.logs.set(claim.jobId, log.slice(-window.keptEntries));
  }

  overdue(): Promise<OverdueLook> {
    const { active, leases } = this.store;
    const nowMs = this.store.now();
    for (const id of active) if (!leases.has(id)) leases.set(id, nowMs + this.#options.adoptGraceMs);
    const sorted = [...leases].sort(([, a], [, b]) => a - b);
    const over = sorted.filter(([, end]) => end <= nowMs).slice(0, 100);
    const [, nextEnd] = sorted[over.length] ?? [];
    return Promise.resolve({
      leases: over.map(([jobId, end]) => ({ jobId, leaseEnd: String(end) })),
      nextMs: nextEnd === undefined ? undefined : Math.max(nextEnd - nowMs, 0),
    });
  }

  abandon(claims: readonly ClaimProof[]): Promise<readonly OverdueLease[]> {
    const end = this.store.now() - 1;
    const held = claims.filter((claim) => this.#holds(claim));
    for (const claim of held) this.store.leases.set(claim.jobId, end);
    return Promise.resolve(held.map(({ jobId }) => ({ jobId, leaseEnd: String(end) })));
  }

  /** See lua/reclaim.ts. */
  reclaim(lease: OverdueLease): Promise<ReclaimAnswer> {
    return Promise.resolve(this.#reclaim(lease));
  }

  #reclaim({ jobId: id, leaseEnd }: OverdueLease): ReclaimAnswer {
    const { store } = this;
    const end = store.leases.get(id);
    if (end === undefined || String(end) !== leaseEnd || end > store.now()) return "live";
    store.leases.delete(id);
    const taken = removeLast(store.active, id);
    if (!idPattern.test(id) || store.fields(id) === undefined) {
      store.bury(id);
      if (idPattern.test(id)) store.concludeMissing(id);
      return "dead";
    }
    const read = (name: string): string | undefined => store.text(id, name);
    if (isFinalText(read("status"))) return "final";
    const fail = (fields: ReturnType<typeof failure>): "failed" => {
      store.conclude(id, "reaper", "error", fields);
      return "failed";
    };
    const started = read("status") === "started";
    const [attempt, attempts] = [
      wholeNumber(read("attempt"), 0, 1_000),
      wholeNumber(read("max_attempts"), 1, 10),
    ];
    const claims = wholeNumber(read("claims"), 0, 1_000_000);
    if (read("cancel") === "1" && !started)
      return fail(failure("cancelled", "cancelled before it was started"));
    if (started && attempt >= attempts) return fail(failure("runner_lost", lostSentence(attempt, attempts)));
    if (claims >= Math.max(this.#options.maxClaims, attempts)) {
      fail(failure("poisoned", poisonSentence(claims)));
      return "poisoned";
    }
    if (!taken && store.queue.includes(id)) return "live";
    store.write(id, { status: "queued", token: "" });
    store.putBack(id);
    return "requeued";
  }

  #holds({ jobId, token }: ClaimProof): boolean {
    return this.store.text(jobId, "token") === token;
  }

  /** Ends the waiting for hashes that have not come. Claims stay in the store. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.store.wake();
  }
}

function isFinalText(status: string | undefined): boolean {
  return status === "finished" || status === "error";
}

function lostSentence(attempt: number, attempts: number): string {
  return `the runner was lost while the job ran (attempt ${attempt} of ${attempts}); it may have done part of its work`;
}

function poisonSentence(claims: number): string {
  return `claimed ${claims} times without coming to an end; look at what it does to its runners`;
}
