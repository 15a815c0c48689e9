/**
 * JobQueue on Redis. One connection waits for ids, another one does everything else; every transition is one Lua
 * script (lua/), so that a claim is compared and the state changed in one step, by Redis itself and in Redis time.
 */
import { randomBytes } from "node:crypto";
import { idPattern, keysOf, type RunnerKeys } from "./keys.ts";
import { LogWindow } from "./log-window.ts";
import { appendLog } from "./lua/append-log.ts";
import { begin } from "./lua/begin.ts";
import { finish } from "./lua/finish.ts";
import { lookAgain } from "./lua/look-again.ts";
import { overdue } from "./lua/overdue.ts";
import { putAside } from "./lua/put-aside.ts";
import { reclaim } from "./lua/reclaim.ts";
import { release } from "./lua/release.ts";
import { renew } from "./lua/renew.ts";
import { start } from "./lua/start.ts";
import type { JobOutcome } from "./outcome.ts";
import type {
  Claim,
  JobQueue,
  LogEntry,
  OverdueLease,
  ReclaimAnswer,
  RenewAnswer,
  SettleDetails,
  StartAnswer,
  StartOptions,
} from "./queue.ts";
import { encodeOutcome } from "./record.ts";
import { openConnection, type RedisConnection, type Reply } from "./redis/connection.ts";
import type { RedisTarget } from "./redis/redis-url.ts";
import { listOf, pairsOf, textOf, wordOf } from "./redis/reply.ts";

export interface RedisQueueOptions {
  readonly target: RedisTarget;
  readonly tlsCa?: string;
  readonly runner: string;
  /** Who claims: shown in job records, compared by nobody but same-host recovery. */
  readonly owner: string;
  readonly keyPrefix?: string;
  /** How long a claim holds without renewal, in Redis time. Default 6000. */
  readonly leaseMs?: number;
  /** The lease that a taken id without one is given. Default 2000. */
  readonly adoptGraceMs?: number;
  /** How long one blocking read waits. Default 5. */
  readonly blockSeconds?: number;
  /** A job that was claimed this often without an end is poisoned. Default 5. */
  readonly maxClaims?: number;
  /** Hashes above this are not fetched; their claims say `oversizedBytes`. Default 20 MiB. */
  readonly maxHashBytes?: number;
  /** How long final jobs are kept, 0 for ever. Default 86 400. */
  readonly resultTtlSeconds?: number;
  /** The store answered a wait for jobs, with or without one. */
  readonly onPoll?: () => void;
  /** Told about ids that never became a claim. For logs and counters. */
  readonly onPutAside?: (what: { readonly jobId: string; readonly why: string }) => void;
}

/** When an id has no hash yet, ms after it was taken: clients may push before they write. */
const lookAgainAfterMs = [100, 400, 1_500] as const;

export class RedisJobQueue implements JobQueue {
  readonly keys: RunnerKeys;
  readonly #options: Required<Omit<RedisQueueOptions, "tlsCa" | "keyPrefix">>;
  readonly #waiting: RedisConnection;
  readonly #commands: RedisConnection;
  /** An id that was taken while Redis went away: the next claim goes on with it, under the same token. */
  #halfTaken: { readonly id: string; readonly token: string } | undefined;
  readonly #lookAgainTimers = new Set<NodeJS.Timeout>();
  readonly #logs = new Map<string, LogWindow>();

  /** Connects at the first call. The caller closes it. */
  constructor(options: RedisQueueOptions) {
    this.keys = keysOf(options.runner, options.keyPrefix);
    this.#options = {
      ...{ leaseMs: 6_000, adoptGraceMs: 2_000, blockSeconds: 5, maxClaims: 5 },
      ...{
        maxHashBytes: 20 * 1024 * 1024,
        resultTtlSeconds: 86_400,
        onPutAside: () => undefined,
        onPoll: () => undefined,
      },
      ...options,
    };
    const connection = {
      target: options.target,
      routeKey: this.keys.queue,
      ...(options.tlsCa === undefined ? {} : { tlsCa: options.tlsCa }),
    };
    const blockMs = this.#options.blockSeconds * 1000;
    this.#waiting = openConnection({ ...connection, interruptible: true, deadlineMs: blockMs + 2_000 });
    this.#commands = openConnection(connection);
  }

  async claim(
    signal: AbortSignal,
    { wait = true }: { readonly wait?: boolean } = {},
  ): Promise<Claim | undefined> {
    while (!signal.aborted) {
      if (this.#halfTaken === undefined) {
        const taken = wait ? await this.#takeWaiting(signal) : await this.#takeNow();
        this.#options.onPoll();
        if (taken === null && !wait) return undefined;
        this.#halfTaken = await this.#check(taken, signal);
      }
      if (this.#halfTaken === undefined) continue;
      const claim = await this.#begin(this.#halfTaken);
      this.#halfTaken = undefined;
      if (claim !== undefined) return claim;
    }
    return undefined;
  }

  async #takeWaiting(signal: AbortSignal): Promise<Reply> {
    const interrupt = (): void => void this.#waiting.interrupt(this.#commands);
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      const { queue, active } = this.keys;
      return await this.#waiting.send([
        "BLMOVE",
        queue,
        active,
        "RIGHT",
        "LEFT",
        String(this.#options.blockSeconds),
      ]);
    } finally {
      signal.removeEventListener("abort", interrupt);
    }
  }

  #takeNow(): Promise<Reply> {
    return this.#waiting.send(["LMOVE", this.keys.queue, this.keys.active, "RIGHT", "LEFT"]);
  }

  /** A taken id that is one, with a fresh token. */
  async #check(taken: Reply, signal: AbortSignal): Promise<{ id: string; token: string } | undefined> {
    if (!Buffer.isBuffer(taken)) return undefined;
    const id = taken.toString("latin1");
    if (!idPattern.test(id)) {
      await this.#commands.run(putAside, [this.keys.active, this.keys.dead], [taken, "dead"]);
      this.#options.onPutAside({ jobId: JSON.stringify(id.slice(0, 128)), why: "not a job id" });
      return undefined;
    }
    if (signal.aborted) {
      await this.#commands.run(putAside, [this.keys.active, this.keys.queue], [id, "queue"]);
      return undefined;
    }
    return { id, token: randomBytes(16).toString("hex") };
  }

  async #begin({ id, token }: { id: string; token: string }): Promise<Claim | undefined> {
    const { leaseMs, owner, maxClaims, maxHashBytes, resultTtlSeconds } = this.#options;
    const { active, leases, dead, events } = this.keys;
    const reply = await this.#commands.run(
      begin,
      [active, leases, this.keys.job(id), dead, this.keys.reply(id), events],
      [id, token, ...[leaseMs, owner, maxClaims, maxHashBytes, resultTtlSeconds].map(String)],
    );
    const [answer, claims, bytes, ...flat] = listOf(reply);
    const word = textOf(answer);
    if (word === "OK") {
      const claim = { jobId: id, token, fields: pairsOf(flat), claims: Number(claims) };
      return flat.length === 0 ? { ...claim, oversizedBytes: Number(bytes) } : claim;
    }
    if (word === "MISSING") this.#lookAgain(id, 0);
    else this.#options.onPutAside({ jobId: id, why: word.toLowerCase() });
    return undefined;
  }

  /** Beside the main line, so that one missing hash does not hold up the jobs behind it. */
  #lookAgain(id: string, round: number): void {
    const waitedMs = round === 0 ? 0 : (lookAgainAfterMs[round - 1] ?? 0);
    const timer = setTimeout(
      () => {
        this.#lookAgainTimers.delete(timer);
        void this.#lookOnce(id, round).catch(() => undefined); // Redis is away: the reaper finds the id in `active`
      },
      (lookAgainAfterMs[round] ?? 0) - waitedMs,
    );
    this.#lookAgainTimers.add(timer);
  }

  async #lookOnce(id: string, round: number): Promise<void> {
    const { active, queue, dead, events } = this.keys;
    const last = round === lookAgainAfterMs.length - 1;
    const keys = [active, this.keys.job(id), queue, dead, this.keys.reply(id), events];
    const answer = textOf(await this.#commands.run(lookAgain, keys, [id, last ? "1" : "0"]));
    if (answer === "WAIT") this.#lookAgain(id, round + 1);
    if (answer === "DEAD") this.#options.onPutAside({ jobId: id, why: "missing" });
  }

  async start(claim: Claim, options: StartOptions = {}): Promise<StartAnswer> {
    const { leases, events } = this.keys;
    const answer = await this.#commands.run(
      start,
      [leases, this.keys.job(claim.jobId), this.keys.seen(claim.jobId), events],
      [
        claim.jobId,
        claim.token,
        ...[this.#options.leaseMs, options.replayGuardMs ?? 0, options.maxStarts ?? 1].map(String),
      ],
    );
    return wordOf(answer, { OK: "started", FENCED: "lost", CANCELLED: "cancelled", REPLAYED: "replayed" });
  }

  async renew(claims: readonly Claim[]): Promise<readonly RenewAnswer[]> {
    if (claims.length === 0) return [];
    const answers = await this.#commands.run(
      renew,
      [this.keys.leases, ...claims.map((claim) => this.keys.job(claim.jobId))],
      [String(this.#options.leaseMs), ...claims.flatMap((claim) => [claim.jobId, claim.token])],
    );
    return listOf(answers).map((answer) => wordOf(answer, { OK: "held", FENCED: "lost", CANCEL: "cancel" }));
  }

  async settle(claim: Claim, outcome: JobOutcome, details?: SettleDetails): Promise<"settled" | "lost"> {
    const { active, leases, events } = this.keys;
    const id = claim.jobId;
    const answer = await this.#commands.run(
      finish,
      [active, leases, this.keys.job(id), this.keys.reply(id), this.keys.log(id), events],
      [
        id,
        claim.token,
        outcome.kind,
        String(this.#options.resultTtlSeconds),
        ...encodeOutcome(outcome, details),
      ],
    );
    this.#logs.delete(claim.token);
    return wordOf(answer, { OK: "settled", ALREADY: "settled", FENCED: "lost" });
  }

  async release(claim: Claim): Promise<"released" | "lost"> {
    const { active, leases, queue, events } = this.keys;
    const keys = [active, leases, this.keys.job(claim.jobId), queue, events];
    return wordOf(await this.#commands.run(release, keys, [claim.jobId, claim.token]), {
      OK: "released",
      FENCED: "lost",
    });
  }

  async appendLog(claim: Claim, entries: readonly LogEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const window = this.#logs.get(claim.token) ?? new LogWindow();
    this.#logs.set(claim.token, window);
    const numbered = entries.map((entry) => ({ ...entry, seq: window.add(Buffer.byteLength(entry.data)) }));
    await this.#commands.run(
      appendLog,
      [this.keys.job(claim.jobId), this.keys.log(claim.jobId)],
      [
        claim.token,
        String(window.keptEntries),
        String(Math.max(this.#options.resultTtlSeconds, 86_400)),
        ...numbered.flatMap((entry) => [entry.stream, String(entry.seq), String(entry.offset), entry.data]),
      ],
    );
  }

  async overdue(): Promise<readonly OverdueLease[]> {
    const { active, leases } = this.keys;
    const reply = await this.#commands.run(
      overdue,
      [active, leases],
      [String(this.#options.adoptGraceMs), "100"],
    );
    return [...pairsOf(listOf(reply), "latin1")].map(([jobId, leaseEnd]) => ({
      jobId,
      leaseEnd: leaseEnd.toString(),
    }));
  }

  async reclaim(lease: OverdueLease): Promise<ReclaimAnswer> {
    const { active, leases, queue, dead, events } = this.keys;
    const id = lease.jobId;
    if (!idPattern.test(id)) {
      await this.#commands.send(["ZREM", leases, Buffer.from(id, "latin1")]);
      await this.#commands.run(putAside, [active, dead], [Buffer.from(id, "latin1"), "dead"]);
      return "dead";
    }
    const answer = await this.#commands.run(
      reclaim,
      [active, leases, this.keys.job(id), queue, this.keys.reply(id), dead, events],
      [id, lease.leaseEnd, String(this.#options.maxClaims), String(this.#options.resultTtlSeconds)],
    );
    return wordOf(answer, {
      LIVE: "live",
      REQUEUED: "requeued",
      FAILED: "failed",
      FINAL: "final",
      DEAD: "dead",
    });
  }

  /** Ends both connections. Claims stay in Redis and are adopted by others. */
  close(): void {
    for (const timer of this.#lookAgainTimers) clearTimeout(timer);
    this.#lookAgainTimers.clear();
    this.#waiting.close();
    this.#commands.close();
  }
}
