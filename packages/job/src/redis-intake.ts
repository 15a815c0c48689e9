/**
 * Takes ids off the queue and makes claims of them. Owns the connection that waits; an id is never dropped: it becomes
 * a claim, goes back, or goes to the dead list, and what is lost on the way stays in `active`, where it is adopted.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { QueueError } from "./errors.ts";
import type { RunnerKeys } from "./keys.ts";
import { begin } from "./lua/begin.ts";
import { lookAgain } from "./lua/look-again.ts";
import { release } from "./lua/release.ts";
import type { Claim } from "./queue.ts";
import { callOf, type RedisConnection, type Reply } from "./redis/connection.ts";
import { refusalWord, toQueueError } from "./redis/refusal.ts";
import { listOf, pairsOf, textOf } from "./redis/reply.ts";
import { TokenMaker } from "./token-maker.ts";

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

/** A call of the script begin whose answer has not come: the next claim makes the same one, so that nothing is taken twice. */
interface Asked {
  /** An id that was taken while it waited. */
  readonly id: Buffer | undefined;
  readonly tokens: readonly string[];
}

/** What begin made of the ids. */
interface Begun {
  readonly claims: readonly Claim[];
  /** Nothing more waits. */
  readonly exhausted: boolean;
}

/** When an id has no hash yet, ms after it was taken and between the looks: clients may push before they write. */
const lookAgainAfterMs = [100, 300, 1_100] as const;
/** When a look did not reach Redis, ms until the same one is tried again. */
const tryLookAgainMs = 500;
/** Who does not wait for jobs waits for those hashes, asking this often. */
const untilHashMs = 50;

export class RedisIntake {
  readonly #options: IntakeOptions;
  readonly #tokens = new TokenMaker();
  #asked: Asked | undefined;
  /** The last look at the queue ended because no more was wanted. */
  #moreWait = false;
  #claiming = false;
  readonly #lookAgainTimers = new Set<NodeJS.Timeout>();
  /** Taken ids without a hash that are looked at again. */
  #missing = 0;
  #closed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** See JobQueue.claim. */
  async claim(signal: AbortSignal, wait: boolean, most: number): Promise<readonly Claim[]> {
    if (this.#claiming) throw new Error("claim() was called while an earlier call still waits");
    this.#claiming = true;
    try {
      while (!signal.aborted) {
        const { claims, exhausted } = await this.#take(signal, wait, most);
        this.#asked = undefined;
        this.#moreWait = !exhausted;
        // An answer that was lost on its way may have brought more than is wanted now.
        const wanted = signal.aborted ? 0 : most;
        if (claims.length > wanted) await this.#giveBack(claims.slice(wanted));
        if (wanted > 0 && claims.length > 0) return claims.slice(0, wanted);
        if (wait || !exhausted || signal.aborted) continue;
        if (this.#missing === 0) return [];
        await sleep(untilHashMs, undefined, { signal }).catch(() => undefined);
      }
      return [];
    } catch (error) {
      // What was on its way to us is in active, with a lease that nobody renews or without one: it goes back to the queue.
      if (signal.aborted) return [];
      throw error;
    } finally {
      this.#claiming = false;
    }
  }

  async #take(signal: AbortSignal, wait: boolean, most: number): Promise<Begun> {
    if (this.#asked !== undefined) return this.#begin(this.#asked, "again");
    const tokens = Array.from({ length: most }, () => this.#tokens.next());
    if (wait && !this.#moreWait) return this.#waitAndBegin(signal, tokens);
    this.#asked = { id: undefined, tokens };
    return this.#begin(this.#asked, "");
  }

  /**
   * BLMOVE, and begin behind it before it has answered: Redis does one after the other as soon as there is an id, without
   * a round trip between them. For a connection that has died unseen Redis may still do both; such claims run out with
   * their leases.
   */
  async #waitAndBegin(signal: AbortSignal, tokens: readonly string[]): Promise<Begun> {
    const { keys, waiting, commands, blockSeconds, onPoll } = this.#options;
    await nextTurn(); // what the jobs that were just taken have to send goes first
    if (signal.aborted) return { claims: [], exhausted: true };
    const interrupt = (): void => void waiting.interrupt(commands);
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      const blmove = ["BLMOVE", keys.queue, keys.active, "RIGHT", "LEFT", String(blockSeconds)];
      const taking = waiting.send(blmove);
      const terms = this.#beginTerms({ id: undefined, tokens }, "behind");
      const [taken, began] = await Promise.allSettled([taking, waiting.send(callOf(begin, ...terms))]);
      // Whatever begin did is found again by its tokens.
      this.#asked = { id: undefined, tokens };
      if (taken.status === "rejected") throw taken.reason;
      onPoll();
      const id = Buffer.isBuffer(taken.value) ? taken.value : undefined;
      if (began.status === "fulfilled") return await this.#orOwn(id, began.value, tokens);
      this.#asked = { id, tokens };
      const didNothing = refusalWord(toQueueError(began.reason)) === "NOSCRIPT";
      return await this.#begin(this.#asked, didNothing ? "" : "again");
    } finally {
      signal.removeEventListener("abort", interrupt);
    }
  }

  /** What begin has answered behind a BLMOVE; where that says nothing of the id that came, begin is called for this very id. */
  async #orOwn(id: Buffer | undefined, answer: Reply, tokens: readonly string[]): Promise<Begun> {
    const [, ...found] = listOf(answer);
    if (id === undefined || found.some((one) => id.equals(idOf(one)))) return this.#readAll(answer);
    if (found.length === 0) {
      this.#asked = { id, tokens };
      return this.#begin(this.#asked, "");
    }
    // As a rule the process whose id we found has found ours.
    const begun = this.#readAll(answer);
    const own = await this.#begin({ id, tokens: [this.#tokens.next()] }, "").catch(() => undefined); // it is adopted
    return { claims: [...begun.claims, ...(own?.claims ?? [])], exhausted: begun.exhausted };
  }

  /** Makes claims of what waits, and puts ids where they belong that cannot be claimed. */
  async #begin(asked: Asked, how: "" | "again"): Promise<Begun> {
    const { commands, onPoll } = this.#options;
    const reply = await commands.run(begin, ...this.#beginTerms(asked, how));
    onPoll();
    return this.#readAll(reply);
  }

  /** Keys and arguments of the script. */
  #beginTerms({ id, tokens }: Asked, how: "" | "again" | "behind"): [string[], (string | Buffer)[]] {
    const { keys, owner, leaseMs, maxClaims, maxHashBytes, resultTtlSeconds } = this.#options;
    const places = [keys.queue, keys.active, keys.leases, keys.dead, keys.events, keys.recent];
    const limits = [leaseMs, maxClaims, maxHashBytes, resultTtlSeconds].map(String);
    const taken = id?.length === 0 && how === "" ? "empty" : how;
    return [places, [keys.job(""), keys.reply(""), owner, ...limits, id ?? "", taken, ...tokens]];
  }

  #readAll(reply: Reply): Begun {
    const [exhausted, ...answers] = listOf(reply);
    const claims = answers.map((answer) => this.#read(answer)).filter((claim) => claim !== undefined);
    return { claims, exhausted: exhausted === 1 };
  }

  #read(answer: Reply): Claim | undefined {
    const [id, word, token, claims, bytes, flat] = listOf(answer);
    const text = textOf(word);
    if (!Buffer.isBuffer(id)) return undefined;
    const jobId = id.toString("latin1");
    if (text === "OK") {
      const claim = { jobId, token: textOf(token), fields: pairsOf(listOf(flat)), claims: Number(claims) };
      return claim.fields.size === 0 ? { ...claim, oversizedBytes: Number(bytes) } : claim;
    }
    if (text === "HELD") return undefined;
    if (text === "MISSING") {
      this.#missing += 1;
      this.#lookAgain(jobId, 0);
    } else if (text === "NOT_AN_ID") this.#options.onPutAside({ jobId: shownId(jobId), why: "not a job id" });
    else this.#options.onPutAside({ jobId, why: text.toLowerCase() });
    return undefined;
  }

  /** The next one to be taken is given back last. */
  async #giveBack(claims: readonly Claim[]): Promise<void> {
    const { commands, keys } = this.#options;
    for (const { jobId, token } of claims.toReversed()) {
      const places = [keys.active, keys.leases, keys.job(jobId), keys.queue, keys.events];
      await commands.run(release, places, [jobId, token]);
    }
  }

  /** Beside the main line, so that one missing hash does not hold up the jobs behind it. */
  #lookAgain(id: string, round: number, afterMs = lookAgainAfterMs[round] ?? 0): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#lookAgainTimers.delete(timer);
      void this.#lookOnce(id, round).then(
        (again) => (again ? this.#lookAgain(id, round + 1) : (this.#missing -= 1)),
        (error: unknown) => {
          // Who does not wait for jobs may be the last one to look; what Redis refuses is left to the reaper.
          if (error instanceof QueueError && error.code === "UNAVAILABLE")
            this.#lookAgain(id, round, tryLookAgainMs);
          else this.#missing -= 1;
        },
      );
    }, afterMs);
    this.#lookAgainTimers.add(timer);
  }

  /** Whether it must be looked at once more. */
  async #lookOnce(id: string, round: number): Promise<boolean> {
    const { commands, keys, onPutAside } = this.#options;
    const last = round === lookAgainAfterMs.length - 1;
    const answer = textOf(
      await commands.run(
        lookAgain,
        [keys.active, keys.leases, keys.job(id), keys.queue, keys.dead, keys.reply(id), keys.events],
        [id, last ? "1" : "0"],
      ),
    );
    if (answer === "DEAD") onPutAside({ jobId: id, why: "missing" });
    return answer === "WAIT";
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#lookAgainTimers) clearTimeout(timer);
    this.#lookAgainTimers.clear();
    this.#options.waiting.close();
  }
}

function idOf(answer: Reply): Buffer {
  const [id] = listOf(answer);
  return Buffer.isBuffer(id) ? id : Buffer.alloc(0);
}

function shownId(jobId: string): string {
  return JSON.stringify(jobId.slice(0, 128));
}
