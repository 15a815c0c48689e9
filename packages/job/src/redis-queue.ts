/**
 * JobQueue on Redis. One connection waits for ids, another one does everything else; every transition is one Lua
 * script (lua/), so that a claim is compared and the state changed in one step, by Redis itself and in Redis time.
 */
import { randomUUID } from "node:crypto";
import { idPattern, keysOf, type RunnerKeys } from "./keys.ts";
import { LogWindow } from "./log-window.ts";
import { abandon } from "./lua/abandon.ts";
import { appendLog } from "./lua/append-log.ts";
import { finish } from "./lua/finish.ts";
import { overdue } from "./lua/overdue.ts";
import { putAside } from "./lua/put-aside.ts";
import { reclaim } from "./lua/reclaim.ts";
import { release } from "./lua/release.ts";
import { renew } from "./lua/renew.ts";
import { start } from "./lua/start.ts";
import type { JobOutcome } from "./outcome.ts";
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
} from "./queue.ts";
import { encodeOutcome } from "./record.ts";
import { RedisIntake } from "./redis-intake.ts";
import { openConnection, type RedisConnection, type Reply } from "./redis/connection.ts";
import type { RedisTarget } from "./redis/redis-url.ts";
import { listOf, pairsOf, wordOf } from "./redis/reply.ts";
import { Resettle } from "./resettle.ts";

export interface RedisQueueOptions {
  readonly target: RedisTarget;
  readonly tlsCa?: string;
  readonly runner: string;
  /** Who claims: shown in job records, compared by nobody but same-host recovery. Default: a random word. */
  readonly owner?: string;
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
  /** Told about jobs whose ending the store had lost (a failover, an old file) and has now been given again. */
  readonly onRepaired?: (jobIds: readonly string[]) => void;
  /** A connection was lost and stands again. */
  readonly onReopened?: () => void;
  /** Told about ids that never became a claim. For logs and counters. */
  readonly onPutAside?: (what: { readonly jobId: string; readonly why: string }) => void;
}

export class RedisJobQueue implements JobQueue {
  readonly keys: RunnerKeys;
  readonly #options: Required<Omit<RedisQueueOptions, "tlsCa" | "keyPrefix">>;
  readonly #commands: RedisConnection;
  readonly #intake: RedisIntake;
  readonly #resettle: Resettle;
  readonly #logs = new Map<string, LogWindow>();

  /** Connects at the first call. The caller closes it. */
  constructor(options: RedisQueueOptions) {
    this.keys = keysOf(options.runner, options.keyPrefix);
    this.#options = {
      leaseMs: 6_000,
      adoptGraceMs: 2_000,
      blockSeconds: 5,
      maxClaims: 5,
      owner: randomUUID(),
      ...{
        maxHashBytes: 20 * 1024 * 1024,
        resultTtlSeconds: 86_400,
        onPutAside: () => undefined,
        onPoll: () => undefined,
        onRepaired: () => undefined,
        onReopened: () => undefined,
      },
      ...options,
    };
    const connection = {
      target: options.target,
      routeKey: this.keys.queue,
      ...(options.tlsCa === undefined ? {} : { tlsCa: options.tlsCa }),
      onReopened: this.#options.onReopened,
    };
    const blockMs = this.#options.blockSeconds * 1000;
    this.#resettle = new Resettle({
      keysOf: (id) => this.#finishKeys(id),
      onRepaired: this.#options.onRepaired,
    });
    this.#commands = openConnection({ ...connection, onOpen: (send) => this.#resettle.opened(send) });
    const waiting = openConnection({ ...connection, interruptible: true, deadlineMs: blockMs + 2_000 });
    this.#intake = new RedisIntake({ ...this.#options, keys: this.keys, waiting, commands: this.#commands });
  }

  claim(signal: AbortSignal, options: ClaimOptions = {}): Promise<readonly Claim[]> {
    return this.#intake.claim(signal, options.wait ?? true, options.most ?? 1);
  }

  async start(claim: ClaimProof, options: StartOptions = {}): Promise<StartAnswer> {
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

  async renew(claims: readonly ClaimProof[]): Promise<readonly RenewAnswer[]> {
    if (claims.length === 0) return [];
    const answers = await this.#commands.run(
      renew,
      [this.keys.leases, ...claims.map((claim) => this.keys.job(claim.jobId))],
      [String(this.#options.leaseMs), ...claims.flatMap((claim) => [claim.jobId, claim.token])],
      // A connection that died silently must be found out while there is time for another try.
      { deadlineMs: this.#options.leaseMs / 2 },
    );
    return listOf(answers).map((answer, at) => {
      const word = wordOf(answer, { OK: "held", FENCED: "lost", CANCEL: "cancel" });
      if (word === "lost") this.#logs.delete(claims[at]?.token ?? "");
      return word;
    });
  }

  async settle(claim: ClaimProof, outcome: JobOutcome, details?: SettleDetails): Promise<"settled" | "lost"> {
    const id = claim.jobId;
    const { resultTtlSeconds } = this.#options;
    const head = [id, claim.token, outcome.kind, String(resultTtlSeconds)];
    const fields = encodeOutcome(outcome, details);
    const log = details?.log ?? [];
    const kept = String(this.#windowed(claim, log));
    const args = [...head, this.#logTtl, kept, String(log.length), ...log.flatMap(wireEntry), ...fields];
    const reply = await this.#commands.run(finish, this.#finishKeys(id), args);
    const answer = wordOf(reply, { OK: "settled", ALREADY: "settled", FENCED: "lost" });
    this.#logs.delete(claim.token);
    // The live output was a convenience; it is not worth the memory.
    if (answer === "settled") this.#resettle.remember([...head, this.#logTtl, "1", "0", ...fields]);
    return answer;
  }

  #finishKeys(id: string): readonly string[] {
    const { active, leases, events } = this.keys;
    return [active, leases, this.keys.job(id), this.keys.reply(id), this.keys.log(id), events];
  }

  async release(claim: ClaimProof): Promise<"released" | "lost"> {
    const { active, leases, queue, events } = this.keys;
    const keys = [active, leases, this.keys.job(claim.jobId), queue, events];
    return wordOf(await this.#commands.run(release, keys, [claim.jobId, claim.token]), {
      OK: "released",
      FENCED: "lost",
    });
  }

  async appendLog(claim: ClaimProof, entries: readonly LogEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#commands.run(
      appendLog,
      [this.keys.job(claim.jobId), this.keys.log(claim.jobId)],
      [claim.token, String(this.#windowed(claim, entries)), this.#logTtl, ...entries.flatMap(wireEntry)],
    );
  }

  /** How many of a log's newest entries stay, these included. */
  #windowed(claim: ClaimProof, entries: readonly LogEntry[]): number {
    const window = this.#logs.get(claim.token) ?? new LogWindow();
    this.#logs.set(claim.token, window);
    for (const entry of entries) window.add(Buffer.byteLength(entry.data));
    return window.keptEntries;
  }

  get #logTtl(): string {
    return String(Math.max(this.#options.resultTtlSeconds, 86_400));
  }

  async overdue(): Promise<OverdueLook> {
    const { active, leases } = this.keys;
    // What an idle runner asks again and again is one command and no script.
    if ((await this.#commands.send(["EXISTS", active, leases])) === 0)
      return { leases: [], nextMs: undefined };
    const reply = await this.#commands.run(
      overdue,
      [active, leases],
      [String(this.#options.adoptGraceMs), "100"],
    );
    const [nextMs, ...found] = listOf(reply);
    const over = leasesOf(found);
    return { leases: over, nextMs: typeof nextMs === "number" && nextMs >= 0 ? nextMs : undefined };
  }

  async abandon(claims: readonly ClaimProof[]): Promise<readonly OverdueLease[]> {
    if (claims.length === 0) return [];
    const keys = [this.keys.leases, ...claims.map((claim) => this.keys.job(claim.jobId))];
    const proofs = claims.flatMap((claim) => [claim.jobId, claim.token]);
    return leasesOf(listOf(await this.#commands.run(abandon, keys, proofs)));
  }

  /**
   * Who holds what at this moment, as the job records say it: for recovery on the same host. A hash may lie about its
   * owner, so abandon() compares the token.
   */
  async holders(): Promise<readonly (ClaimProof & { readonly owner: string })[]> {
    const ids = listOf(await this.#commands.send(["LRANGE", this.keys.active, "0", "-1"])).map(String);
    const held = await Promise.all(
      ids
        .filter((id) => idPattern.test(id))
        .map(async (jobId) => {
          const reply = await this.#commands
            .send(["HMGET", this.keys.job(jobId), "token", "owner"])
            .catch(() => []);
          const [token, owner] = listOf(reply);
          return { jobId, token: String(token ?? ""), owner: String(owner ?? "") };
        }),
    );
    return held.filter((one) => one.token !== "" && one.owner !== "");
  }

  async reclaim(lease: OverdueLease): Promise<ReclaimAnswer> {
    const { active, leases, queue, dead, events } = this.keys;
    const id = lease.jobId;
    if (!idPattern.test(id)) {
      await this.#commands.send(["ZREM", leases, Buffer.from(id, "latin1")]); // also when it is in active no more
      await this.#commands.run(putAside, [active, leases, dead], [Buffer.from(id, "latin1")]);
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
      POISONED: "poisoned",
      FINAL: "final",
      DEAD: "dead",
    });
  }

  /** Ends both connections. Claims stay in Redis and are adopted by others. */
  close(): void {
    this.#intake.close();
    this.#commands.close();
  }
}

/** id, lease end, id, lease end … An id that is no text survives as one character per byte. */
function leasesOf(flat: readonly Reply[]): readonly OverdueLease[] {
  const pairs = [...pairsOf(flat, "latin1")];
  return pairs.map(([jobId, leaseEnd]) => ({ jobId, leaseEnd: leaseEnd.toString() }));
}

function wireEntry(entry: LogEntry): readonly string[] {
  return [entry.stream, String(entry.offset), entry.data];
}
