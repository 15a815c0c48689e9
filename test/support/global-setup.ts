/**
 * Runs once before the suites that need Redis: sees to it that a redis-server is on this machine, installing one
 * where that is possible, and names it to the test processes. Says nothing when there was nothing to do.
 */
import { ensureRedisServer } from "../../scripts/redis/ensure.mjs";

export async function setup(): Promise<void> {
  const { path } = await ensureRedisServer({ say: (line) => console.error(line) });
  // the test processes are started after this and inherit it
  process.env["HERORUNNER_REDIS_SERVER"] = path;
}
