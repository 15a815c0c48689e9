/** Thousands of runners: what one call asks about all of them leaves room for what others ask. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type Commands, ConnectionPool, parseRedisUrl } from "@herorunner/job";
import { statsOf } from "../src/page/stats-route.ts";
import { RedisWatch } from "../src/store/redis-watch.ts";
import { RunnerRegistry } from "../src/store/runners.ts";
import { type Harness, type StandIn, startHarness } from "./support/harness.ts";

const number = 450;

/** Counts commands that wait for their answer on the connection that all calls share. */
class CountingPool extends ConnectionPool {
  waiting = 0;
  most = 0;

  override at(key: string): Commands {
    const own = super.at(key);
    const counted = async <T>(run: () => Promise<T>): Promise<T> => {
      this.waiting += 1;
      this.most = Math.max(this.most, this.waiting);
      return run().finally(() => (this.waiting -= 1));
    };
    return {
      send: (command, options) => counted(() => own.send(command, options)),
      run: (script, keys, args) => counted(() => own.run(script, keys, args)),
    };
  }
}

let harness: Harness;
let pool: CountingPool;
let runners: RunnerRegistry;
let busy: readonly StandIn[];

beforeAll(async () => {
  harness = await startHarness();
  busy = [harness.runner(), harness.runner()];
  const others = Array.from({ length: number - busy.length }, (_, n) => `silent-${n}`);
  const ids = [...others, ...busy.map(({ id }) => id)];
  await harness.redis.send(["HSET", "hero:runners", ...ids.flatMap((id) => [id, "{}"])]);
});
beforeEach(() => {
  pool = new CountingPool({ target: parseRedisUrl(harness.server.url) });
  runners = new RunnerRegistry(pool, "hero:");
  return () => pool.close();
});
afterAll(() => harness.stop());

it("a list of all of them", async () => {
  expect(await runners.list()).toHaveLength(number);
  expect(pool.most).toBeLessThan(number / 2);
});

it("the plots of all of them, which are their sums", async () => {
  const served = await harness.serve();
  for (const runner of [...busy, ...busy]) {
    await served.call("job.run", { runner: runner.id, payload: "x" });
    await runner.finish("done");
  }
  const { hour, day } = await statsOf(runners, await runners.names());
  expect([hour.total.finished, day.total.finished]).toEqual([4, 4]);
  expect([hour.total.failed, hour.periods.length >= 60]).toEqual([0, true]);
  expect(pool.most).toBeLessThan(number / 2);
});

it("a scrape", async () => {
  const watch = new RedisWatch({ redis: pool, prefix: "hero:", runners, maxRunners: number });
  await watch.look();
  expect(pool.most).toBeLessThan(number / 2);
});
