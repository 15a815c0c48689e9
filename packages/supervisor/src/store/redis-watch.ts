/**
 * What Redis is asked when somebody scrapes: how it is, and how each registered runner is, one question each. Nothing is
 * waited for longer than a second, and everybody who asks within one shares an answer.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionPool, QueueError, readQueueFigures, WaitingAge } from "@herorunner/job";
import { inPortions } from "./in-portions.ts";
import { redisFacts, takesWrites } from "./redis-facts.ts";
import type { RunnerRegistry } from "./runners.ts";

const answerWithinMs = 1_000;
const keepMs = 1_000;

export interface WatchedRunner {
  readonly id: string;
  readonly alive: boolean;
  readonly queued: number;
  readonly running: number;
  readonly dead: number;
  readonly oldestMs: number;
}

export interface WatchedRedis {
  readonly writable: boolean;
  readonly memoryBytes: number | undefined;
  readonly maxMemoryBytes: number | undefined;
  readonly runners: readonly WatchedRunner[];
}

export interface RedisWatchOptions {
  readonly redis: ConnectionPool;
  readonly prefix: string;
  readonly runners: RunnerRegistry;
  readonly maxRunners: number;
}

export class RedisWatch {
  readonly #options: RedisWatchOptions;
  #ages = new Map<string, WaitingAge>();
  #answer: Promise<WatchedRedis | undefined> | undefined;
  #askedMs = 0;

  constructor(options: RedisWatchOptions) {
    this.#options = options;
  }

  /** Undefined when Redis does not answer in time. Rejects for bugs only. */
  look(): Promise<WatchedRedis | undefined> {
    const nowMs = performance.now();
    if (this.#answer !== undefined && nowMs - this.#askedMs < keepMs) return this.#answer;
    this.#askedMs = nowMs;
    return (this.#answer = this.#askInTime());
  }

  async #askInTime(): Promise<WatchedRedis | undefined> {
    const over = new AbortController();
    const late = sleep(answerWithinMs, undefined, { signal: over.signal }).catch(() => undefined);
    const asked = this.#ask();
    asked.catch(() => undefined); // it may reject after its time
    try {
      return await Promise.race([asked, late]);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      return undefined;
    } finally {
      over.abort();
    }
  }

  async #ask(): Promise<WatchedRedis | undefined> {
    const { redis, prefix } = this.#options;
    const [facts, refusal, runners] = await Promise.all([
      redisFacts(redis, prefix),
      takesWrites(redis, prefix),
      this.#askRunners(),
    ]);
    if (facts["reachable"] !== true) return undefined;
    return {
      writable: refusal === undefined,
      memoryBytes: numberOf(facts["used_memory_bytes"]),
      maxMemoryBytes: numberOf(facts["max_memory_bytes"]) || undefined,
      runners,
    };
  }

  async #askRunners(): Promise<readonly WatchedRunner[]> {
    const { runners, maxRunners } = this.#options;
    const ids = (await runners.names()).slice(0, maxRunners);
    const before = this.#ages;
    this.#ages = new Map(ids.map((id) => [id, before.get(id) ?? new WaitingAge()]));
    return inPortions(ids, async (id) => {
      const keys = runners.keys(id);
      const figures = await readQueueFigures(runners.at(keys), keys);
      const { waiting: queued, active: running, dead, instances } = figures;
      const oldestMs = this.#ages.get(id)?.ageMs(figures, performance.now()) ?? 0;
      return { id, alive: instances > 0, queued, running, dead, oldestMs };
    });
  }
}

function numberOf(fact: string | number | boolean | undefined): number | undefined {
  return typeof fact === "number" ? fact : undefined;
}
