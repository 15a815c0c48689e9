/** The JobQueue suite on a real Redis. */
import { afterAll, beforeAll } from "vitest";
import { jobQueueModel } from "../../../test/conformance/job-queue-model.ts";
import { jobQueueSuite } from "../../../test/conformance/job-queue.ts";
import { redisQueueStore } from "../../../test/support/queue-stores.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";

let server: RedisServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

jobQueueSuite("on Redis", () => Promise.resolve(redisQueueStore(server.url)));
jobQueueModel("on Redis", () => Promise.resolve(redisQueueStore(server.url)), 40);
