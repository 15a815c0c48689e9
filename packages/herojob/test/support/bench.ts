/** A Redis of its own and a runner that does what payloads say, for one test file. */
import { JobClient, parseRedisUrl, RedisPresence } from "@herorunner/job";
import type { Trust } from "@herorunner/job/trust";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RedisServer, startRedis } from "../../../../test/support/redis-server.ts";
import { type ScriptedRunner, startScriptedRunner } from "../../../../test/support/scripted-runner.ts";

export interface Bench {
  readonly redis: RedisServer;
  readonly runner: ScriptedRunner;
  readonly api: JobClient;
  /** Points herojob at the Redis and names the runner. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder for files. */
  readonly folder: string;
  close(): Promise<void>;
}

export async function openBench(trust?: () => Trust): Promise<Bench> {
  const redis = await startRedis();
  const runnerId = "web-1";
  const presence = new RedisPresence({ target: parseRedisUrl(redis.url), runner: runnerId });
  const runner = startScriptedRunner({
    ...{ url: redis.url, runnerId, presence },
    ...(trust === undefined ? {} : { trust }),
  });
  const api = await JobClient.connect(redis.url);
  const folder = await mkdtemp(join(tmpdir(), "herojob-test-"));
  return {
    ...{ redis, runner, api, folder },
    env: { HEROJOB_REDIS_URL: redis.url, HEROJOB_RUNNER: runnerId },
    close: async () => {
      api.close();
      await runner.stop();
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
