/** One private Redis for a test file, and runners with ids of their own on it. */
import { afterAll, beforeAll, expect } from "vitest";
import { type Herorunner, type HerorunnerOptions, startHerorunner } from "./herorunner.ts";
import { connectRedis, type RedisClient } from "./redis-client.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";

export interface EndToEnd {
  readonly server: RedisServer;
  readonly redis: RedisClient;
  /** A runner id that no other test of the file uses. */
  newRunner(): string;
  start(runner: string, args?: readonly string[], options?: HerorunnerOptions): Promise<Herorunner>;
}

let ids = 0;

/** To be called at the top of a file. */
export function endToEnd(options: RedisServerOptions = {}): EndToEnd {
  let server: RedisServer | undefined;
  let redis: RedisClient | undefined;
  beforeAll(async () => {
    server = await startRedis(options);
    redis = connectRedis(server.url);
  });
  afterAll(async () => {
    redis?.close();
    await server?.stop();
  });
  return {
    get server() {
      return server!;
    },
    get redis() {
      return redis!;
    },
    newRunner: () => `e2e-${(ids += 1)}`,
    start: (runner, args = [], more = {}) => startHerorunner(["-r", server!.url, runner, ...args], more),
  };
}

/** Nothing of a runner is left where only live jobs may be. */
export async function expectNothingTaken(redis: RedisClient, runner: string): Promise<void> {
  const at = (name: string): string => `hero:{${runner}}:${name}`;
  const left = {
    waiting: await redis.call("LLEN", at("queue")),
    active: await redis.call("LLEN", at("active")),
    leases: await redis.call("ZCARD", at("leases")),
  };
  expect(left).toEqual({ waiting: 0, active: 0, leases: 0 });
}
