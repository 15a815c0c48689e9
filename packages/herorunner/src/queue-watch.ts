/**
 * What Redis is asked when somebody scrapes: one question on a connection of its own, opened by the first scrape, so that
 * a slow answer costs no running job anything. Everybody who asks within a second shares one answer.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  keysOf,
  openConnection,
  type QueueFigures,
  QueueError,
  readQueueFigures,
  type RedisTarget,
  WaitingAge,
} from "@herorunner/job";

const answerWithinMs = 1_000;
const keepMs = 1_000;

export interface WatchedFigures extends QueueFigures {
  /** How long the job has waited that is taken next, ms. */
  readonly oldestMs: number;
}

export class QueueWatch {
  readonly #ask: () => Promise<QueueFigures>;
  readonly #nowMs: () => number;
  readonly #age = new WaitingAge();
  #answer: Promise<WatchedFigures | undefined> | undefined;
  #askedMs = 0;

  /** `nowMs`: a monotonic clock. */
  constructor(ask: () => Promise<QueueFigures>, nowMs: () => number = () => performance.now()) {
    this.#ask = ask;
    this.#nowMs = nowMs;
  }

  /** Undefined when Redis does not answer in time. Rejects for bugs only. */
  figures(): Promise<WatchedFigures | undefined> {
    const nowMs = this.#nowMs();
    if (this.#answer !== undefined && nowMs - this.#askedMs < keepMs) return this.#answer;
    this.#askedMs = nowMs;
    return (this.#answer = this.#askInTime());
  }

  async #askInTime(): Promise<WatchedFigures | undefined> {
    const over = new AbortController();
    const late = sleep(answerWithinMs, undefined, { signal: over.signal }).catch(() => undefined);
    const asked = this.#ask();
    asked.catch(() => undefined); // it may reject after its time
    try {
      const figures = await Promise.race([asked, late]);
      return figures && { ...figures, oldestMs: this.#age.ageMs(figures, this.#nowMs()) };
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      return undefined;
    } finally {
      over.abort();
    }
  }
}

export interface QueueWatchOptions {
  readonly target: RedisTarget;
  readonly tlsCa?: string;
  readonly runner: string;
  readonly keyPrefix: string;
}

/** Connects at the first question. The caller closes it. */
export function openQueueWatch(options: QueueWatchOptions): { readonly watch: QueueWatch; close(): void } {
  const { target, tlsCa, runner, keyPrefix } = options;
  const keys = keysOf(runner, keyPrefix);
  const tls = tlsCa === undefined ? {} : { tlsCa };
  const redis = openConnection({ target, routeKey: keys.queue, deadlineMs: answerWithinMs, ...tls });
  return { watch: new QueueWatch(() => readQueueFigures(redis, keys)), close: () => redis.close() };
}
