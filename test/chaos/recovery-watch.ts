/** Measures how long the jobs of a killed runner stay with the dead: until their claim is taken away from it. */
import { keysOf, type RedisConnection } from "@herorunner/job";
import { type Berth, runnerId } from "./fleet.ts";

interface Watched {
  readonly id: string;
  readonly token: string;
  readonly berth: Berth;
  readonly killedMs: number;
}

export class RecoveryWatch {
  /** By another runner: ms from the kill. */
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
  async holdings(berth: Berth): Promise<readonly Omit<Watched, "killedMs">[]> {
    const ids = (await this.#redis.send(["LRANGE", this.#keys.active, "0", "-1"])) as Buffer[];
    const held: Omit<Watched, "killedMs">[] = [];
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

  killed(held: readonly Omit<Watched, "killedMs">[]): void {
    const killedMs = performance.now();
    this.#watched.push(...held.map((one) => ({ ...one, killedMs })));
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
      if (restarted) this.sameHost.push(nowMs - one.berth.startedMs);
      else this.elsewhere.push(nowMs - one.killedMs);
    }
    this.#watched = still;
  }
}

export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
