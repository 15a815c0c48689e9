/** The suite of clients, over Redis. */
import { afterAll, beforeAll } from "vitest";
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
