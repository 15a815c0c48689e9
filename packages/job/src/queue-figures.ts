/** The figures of a queue for whoever watches it: one question, never written to, however full Redis is. */
import type { RunnerKeys } from "./keys.ts";
import { queueFigures } from "./lua/queue-figures.ts";
import type { Commands } from "./redis/pool.ts";
import { listOf, textOf } from "./redis/reply.ts";

export interface QueueFigures {
  readonly waiting: number;
  /** Taken and not final. */
  readonly active: number;
  /** Ids that cannot be run. */
  readonly dead: number;
  /** Processes that were heard of in the last 15 s. */
  readonly instances: number;
  /** The job that is taken next; undefined when nothing waits. `waitedMs` is undefined when nobody wrote down since when. */
  readonly next: { readonly id: string; readonly waitedMs: number | undefined } | undefined;
}

/** A process counts as gone this long after its last heartbeat. */
const aliveMs = 15_000;

export async function readQueueFigures(redis: Commands, keys: RunnerKeys): Promise<QueueFigures> {
  const places = [keys.queue, keys.active, keys.dead, keys.instances];
  const [waiting, active, dead, instances, id, waited] = listOf(
    await redis.run(queueFigures, places, [String(aliveMs)]),
  );
  const waitedMs = Number(waited ?? -1);
  return {
    ...{ waiting: Number(waiting), active: Number(active), dead: Number(dead), instances: Number(instances) },
    next: id === undefined ? undefined : { id: textOf(id), waitedMs: waitedMs < 0 ? undefined : waitedMs },
  };
}

/**
 * How long the job has waited that waits longest. A job that was pushed by hand does not say since when: it has waited at
 * least since it was seen first at its place.
 */
export class WaitingAge {
  #id: string | undefined;
  #sinceMs = 0;

  /** `nowMs`: a monotonic clock. 0 when nothing waits. */
  ageMs({ next }: QueueFigures, nowMs: number): number {
    if (next?.id !== this.#id) this.#sinceMs = nowMs;
    this.#id = next?.id;
    return next === undefined ? 0 : Math.max(next.waitedMs ?? 0, nowMs - this.#sinceMs);
  }
}
