/** Who breaks things: kills, freezes and restarts runners and Redis, and pushes ids twice. At least one runner is left alone. */
import type { RedisServer } from "../support/redis-server.ts";
import { type Clients, pause } from "./clients.ts";
import type { Berth } from "./fleet.ts";
import type { Random } from "./random.ts";
import type { RecoveryWatch } from "./recovery-watch.ts";

export interface Battlefield {
  readonly berths: readonly Berth[];
  readonly redis: RedisServer;
  readonly clients: Clients;
  readonly watch: RecoveryWatch;
  readonly random: Random;
  /** Longest peace between two deeds against Redis. */
  readonly quietMs: number;
  readonly say: (line: string) => void;
}

export const deeds = [
  "kill runner",
  "freeze runner",
  "stop runner",
  "kill redis",
  "freeze redis",
  "push again",
] as const;
export type Deed = (typeof deeds)[number];

export class Nemesis {
  readonly counts = new Map<Deed, number>(deeds.map((deed) => [deed, 0]));
  readonly #field: Battlefield;
  readonly #pending = new Set<Promise<void>>();
  #redisBusy = false;

  constructor(field: Battlefield) {
    this.#field = field;
  }

  /**
   * Every deed once, then at random; aborts `over` after `forMs`, or later when the last deed had to wait for somebody to do it to,
   * though not later than after `atMostMs`: a deed that was never done has the count 0. Resolves when all is thawed and up again.
   */
  async run(forMs: number, over: AbortController, atMostMs = Math.max(3 * forMs, 60_000)): Promise<void> {
    const { random } = this.#field;
    const { signal } = over;
    const beganMs = performance.now();
    const mayEnd = (): boolean => {
      const passedMs = performance.now() - beganMs;
      return passedMs >= (first.length > 0 ? atMostMs : forMs);
    };
    const first = [...deeds].sort(() => random.next() - 0.5);
    const weighted: readonly Deed[] = [
      ...([
        "kill runner",
        "kill runner",
        "kill runner",
        "freeze runner",
        "freeze runner",
        "stop runner",
      ] as const),
      ...(["kill redis", "freeze redis", "push again", "push again"] as const),
    ];
    while (!signal.aborted && !mayEnd()) {
      await pause(random.between(300, 1_500));
      const deed = first[0] ?? random.pick(weighted);
      if (this.#begin(deed, signal) && deed === first[0]) first.shift();
    }
    over.abort();
    await Promise.all(this.#pending);
    for (const berth of this.#field.berths) berth.start();
  }

  /** False when there is nobody to do it to just now. */
  #begin(deed: Deed, signal: AbortSignal): boolean {
    const work = this.#do(deed, signal);
    if (work === undefined) return false;
    this.counts.set(deed, (this.counts.get(deed) ?? 0) + 1);
    const one: Promise<void> = work.finally(() => this.#pending.delete(one));
    this.#pending.add(one);
    return true;
  }

  #do(deed: Deed, signal: AbortSignal): Promise<void> | undefined {
    const { clients } = this.#field;
    switch (deed) {
      case "push again":
        return clients.pushAgain();
      case "kill redis":
      case "freeze redis":
        return this.#redisBusy ? undefined : this.#disturbRedis(deed, signal);
      default: {
        const berth = this.#victim();
        return berth === undefined ? undefined : this.#disturbRunner(deed, berth, signal);
      }
    }
  }

  #victim(): Berth | undefined {
    const { berths, random } = this.#field;
    const well = berths.filter((berth) => berth.up && !berth.frozen);
    return well.length > 1 ? random.pick(well) : undefined;
  }

  async #disturbRunner(deed: Deed, berth: Berth, signal: AbortSignal): Promise<void> {
    const { random, watch, say } = this.#field;
    if (deed === "freeze runner") {
      const ms = random.between(1_000, 10_000);
      say(`freeze ${berth.hostId} for ${Math.round(ms)} ms`);
      berth.freeze();
      await lapse(ms, signal);
      return berth.thaw();
    }
    if (deed === "stop runner") {
      say(`SIGTERM to ${berth.hostId}`);
      await berth.end("SIGTERM");
    } else {
      // Looked at first, killed at once: a job that ends in between just was not held any more.
      const held = await watch.holdings(berth).catch(() => []);
      if (!berth.up) return;
      const others = this.#field.berths.filter((other) => other !== berth);
      const gone = berth.end("SIGKILL");
      watch.killed(held, others);
      await gone;
      say(`SIGKILL to ${berth.hostId}, which held ${held.length} jobs`);
    }
    // Half of the time nobody comes back on that host while the leases run out.
    await lapse(random.chance(0.5) ? random.between(0, 1_000) : 12_000, signal);
    berth.start();
  }

  async #disturbRedis(deed: "kill redis" | "freeze redis", signal: AbortSignal): Promise<void> {
    const { random, redis, watch, say, quietMs } = this.#field;
    this.#redisBusy = true;
    watch.disturbed(Infinity);
    const ms = deed === "kill redis" ? random.between(0, 2_000) : random.between(1_000, 8_000);
    say(`${deed} for ${Math.round(ms)} ms`);
    if (deed === "kill redis") {
      await redis.kill();
      await lapse(ms, signal);
      await redis.start();
    } else {
      redis.freeze();
      await lapse(ms, signal);
      redis.thaw();
    }
    watch.disturbed(performance.now() + 3_000);
    // A while of peace, or else nothing could be learned about runners that die beside a healthy Redis.
    await lapse(random.between(0, quietMs), signal);
    this.#redisBusy = false;
  }
}

function lapse(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
