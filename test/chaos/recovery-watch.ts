/** Measures how long the jobs of a killed runner stay with the dead: until their claim is taken away from it. */
import { keysOf, type RedisConnection } from "@herorunner/job";
import { type Berth, runnerId } from "./fleet.ts";

interface Watched {
  readonly id: string;
  readonly token: string;
  readonly berth: Berth;
  readonly killedMs: number;
  /** Other runners that were well at that moment, with the time of their start. */
  readonly witnesses: readonly { readonly berth: Berth; readonly startedMs: number }[];
}

type Holding = Pick<Watched, "id" | "token" | "berth">;
/** A process that old has looked for overdue leases before. */
const settledInMs = 3_000;

export class RecoveryWatch {
  /** By another runner, one of which was well all the time: ms from the kill. */
  readonly elsewhere: number[] = [];
  /** By the successor on the same host: ms from its start. */
  readonly sameHost: number[] = [];
  readonly #redis: RedisConnection;
  readonly #keys = keysOf(runnerId);
  #watched: Watched[] = [];
  /** Kills before this time had a Redis that was not itself, so their measures say nothing. */
  #undisturbedSinceMs = 0;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** Redis is being disturbed, or was until `untilMs`. */
  disturbed(untilMs: number): void {
    this.#undisturbedSinceMs = untilMs;
  }

  /** What the process in this berth holds; to be called just before it is killed. */
  async holdings(berth: Berth): Promise<readonly Holding[]> {
    const ids = (await this.#redis.send(["LRANGE", this.#keys.active, "0", "-1"])) as Buffer[];
    const held: Holding[] = [];
    for (const id of ids.map(String)) {
      const [token, owner] = (await this.#redis.send([
        "HMGET",
        this.#keys.job(id),
        "token",
        "owner",
      ])) as (Buffer | null)[];
      const ownedBy = String(owner).split(":");
      if (ownedBy[0] !== berth.hostId || ownedBy[3] !== String(berth.pid)) continue;
      held.push({ id, token: String(token), berth });
    }
    return held;
  }

  killed(held: readonly Holding[], others: readonly Berth[]): void {
    const killedMs = performance.now();
    const witnesses = others
      .filter((berth) => berth.up && !berth.frozen && berth.startedMs < killedMs - settledInMs)
      .map((berth) => ({ berth, startedMs: berth.startedMs }));
    this.#watched.push(...held.map((one) => ({ ...one, killedMs, witnesses })));
  }

  async look(): Promise<void> {
    const still: Watched[] = [];
    for (const one of this.#watched) {
      if (one.killedMs < this.#undisturbedSinceMs) continue;
      const token = await this.#redis.send(["HGET", this.#keys.job(one.id), "token"]);
      if (String(token) === one.token) {
        still.push(one);
        continue;
      }
      const nowMs = performance.now();
      const restarted = one.berth.up && one.berth.startedMs > one.killedMs;
      if (restarted) {
        if (one.berth.frozenMs < one.berth.startedMs) this.sameHost.push(nowMs - one.berth.startedMs);
      } else if (one.witnesses.some((witness) => wasWell(witness, one.killedMs))) {
        this.elsewhere.push(nowMs - one.killedMs);
      }
    }
    this.#watched = still;
  }
}

function wasWell({ berth, startedMs }: Watched["witnesses"][number], sinceMs: number): boolean {
  return berth.up && berth.startedMs === startedMs && berth.frozenMs < sinceMs;
}

export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
