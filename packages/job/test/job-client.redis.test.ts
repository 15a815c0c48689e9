/** The suite of clients, over Redis. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jobClientSuite } from "../../../test/conformance/job-client.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { startScriptedRunner } from "../../../test/support/scripted-runner.ts";
import { JobClient, keysOf, openConnection, parseRedisUrl, RedisPresence, removeJob } from "../src/index.ts";

let server: RedisServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

jobClientSuite("over Redis", async () => {
  const presence = new RedisPresence({ target: parseRedisUrl(server.url), runner: "served" });
  const runner = startScriptedRunner({ url: server.url, runnerId: "served", presence });
  const api = await JobClient.connect(server.url);
  const admin = openConnection({ target: parseRedisUrl(server.url), routeKey: "" });
  return {
    ...{ api, runner, idle: "idle" },
    remove: async (id, runnerId) => void (await removeJob(admin, keysOf(runnerId), id)),
    another: () => JobClient.connect(server.url),
    close: async () => {
      api.close();
      admin.close();
      await runner.stop();
    },
  };
});

test("a wait and a look at the log end with the signal's reason also when Redis owes an answer", async () => {
  await using redis = await startRedis();
  await using api = await JobClient.connect(redis.url);
  const { id } = await api.submit({ runner: "idle", payload: "x" });
  redis.freeze();
  const why = new Error("had enough");
  const abort = new AbortController();
  const ends = [
    api.wait(id, { runner: "idle", signal: abort.signal }),
    api.wait(id, { signal: abort.signal }),
    api.logs(id, { runner: "idle", signal: abort.signal }).next(),
    api.logs(id, { signal: abort.signal }).next(),
  ].map((call) => call.catch((error: unknown) => error));
  // Nothing tells when the last of them has sent something that is not answered.
  await sleep(100);
  abort.abort(why);
  expect(await Promise.all(ends)).toEqual([why, why, why, why]);
});
