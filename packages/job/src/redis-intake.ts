/**
 * Takes ids off the queue and makes claims of them. Owns the connection that waits; an id is never dropped: it becomes
 * a claim, goes back, or goes to the dead list, and what is lost on the way stays in `active`, where it is adopted.
 */
import { randomBytes } from "node:crypto";
import { idPattern, type RunnerKeys } from "./keys.ts";
import { begin } from "./lua/begin.ts";
import { lookAgain } from "./lua/look-again.ts";
import { putAside } from "./lua/put-aside.ts";
import { release } from "./lua/release.ts";
import type { Claim } from "./queue.ts";
import type { RedisConnection } from "./redis/connection.ts";
import { listOf, pairsOf, textOf } from "./redis/reply.ts";

export interface IntakeOptions {
  readonly keys: RunnerKeys;
  /** Blocks; must be interruptible. The intake closes it. */
  readonly waiting: RedisConnection;
  /** Everything else; shared, not closed here. */
  readonly commands: RedisConnection;
  readonly owner: string;
  readonly leaseMs: number;
  readonly blockSeconds: number;
  readonly maxClaims: number;
  readonly maxHashBytes: number;
  readonly resultTtlSeconds: number;
  readonly onPutAside: (what: { readonly jobId: string; readonly why: string }) => void;
  readonly onPoll: () => void;
}

interface Taken {
  readonly id: Buffer;
  readonly token: string;
}

/** When an id has no hash yet, ms after it was taken: clients may push before they write. */
const lookAgainAfterMs = [100, 400, 1_500] as const;

export class RedisIntake {
  readonly #options: IntakeOptions;
  /** An id that was taken while Redis went away: the next claim goes on with it, under the same token. */
  #halfTaken: Taken | undefined;
  #claiming = false;
  readonly #lookAgainTimers = new Set<NodeJS.Timeout>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** See JobQueue.claim. */
  async claim(signal: AbortSignal, wait: boolean): Promise<Claim | undefined> {
    if (this.#claiming) throw new Error("claim() was called while an earlier call still waits");
    this.#claiming = true;
    try {
      while (!signal.aborted) {
        this.#halfTaken ??= await this.#take(signal, wait);
        if (this.#halfTaken === undefined) return undefined;
        const claim = await this.#confirm(this.#halfTaken, signal);
        this.#halfTaken = undefined;
        if (claim !== undefined) return claim;
      }
      return undefined;
    } catch (error) {
      // An id that was on its way to us is in active without a lease: it is adopted and goes back to the queue.
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      this.#claiming = false;
    }
  }

  /** Undefined when `signal` aborted, or when nothing waits and `wait` is false. */
  async #take(signal: AbortSignal, wait: boolean): Promise<Taken | undefined> {
    const { keys, waiting, commands, blockSeconds, onPoll } = this.#options;
    const move = [keys.queue, keys.active, "RIGHT", "LEFT"];
    const command = wait ? ["BLMOVE", ...move, String(blockSeconds)] : ["LMOVE", ...move];
    const interrupt = (): void => void waiting.interrupt(commands);
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      for (;;) {
        const id = await waiting.send(command);
        onPoll();
        if (Buffer.isBuffer(id)) return { id, token: randomBytes(16).toString("hex") };
        if (!wait || signal.aborted) return undefined;
      }
    } finally {
      signal.removeEventListener("abort", interrupt);
    }
  }

  /** Makes a claim of a taken id, or puts the id where it belongs. */
  async #confirm({ id, token }: Taken, signal: AbortSignal): Promise<Claim | undefined> {
    const { commands, keys, onPutAside } = this.#options;
    // A byte for each character, so that an id that is no text can be shown and removed again.
    const jobId = id.toString("latin1");
    if (!idPattern.test(jobId)) {
      await commands.run(putAside, [keys.active, keys.leases, keys.dead], [id, "dead"]);
      onPutAside({ jobId: JSON.stringify(jobId.slice(0, 128)), why: "not a job id" });
      return undefined;
    }
    if (signal.aborted) {
      await commands.run(putAside, [keys.active, keys.leases, keys.queue], [id, "queue"]);
      return undefined;
    }
    const claim = await this.#begin(jobId, token);
    if (claim === undefined || !signal.aborted) return claim;
    const places = [keys.active, keys.leases, keys.job(jobId), keys.queue, keys.events];
    await commands.run(release, places, [jobId, token]);
    return undefined;
  }

  async #begin(id: string, token: string): Promise<Claim | undefined> {
    const { commands, keys, leaseMs, owner, maxClaims, maxHashBytes, resultTtlSeconds } = this.#options;
    const reply = await commands.run(
      begin,
      [keys.active, keys.leases, keys.job(id), keys.dead, keys.reply(id), keys.events, keys.recent],
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
    const { commands, keys, onPutAside } = this.#options;
    const last = round === lookAgainAfterMs.length - 1;
    const answer = textOf(
      await commands.run(
        lookAgain,
        [keys.active, keys.leases, keys.job(id), keys.queue, keys.dead, keys.reply(id), keys.events],
        [id, last ? "1" : "0"],
      ),
    );
    if (answer === "WAIT") this.#lookAgain(id, round + 1);
    if (answer === "DEAD") onPutAside({ jobId: id, why: "missing" });
  }

  close(): void {
    for (const timer of this.#lookAgainTimers) clearTimeout(timer);
    this.#lookAgainTimers.clear();
    this.#options.waiting.close();
  }
}
