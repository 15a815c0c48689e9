/**
 * A runner of your own: it answers every job with its payload.
 *
 *   npx tsx --conditions=@herorunner/source examples/custom-runner.ts echo-1
 *   redis-cli HSET 'hero:{echo-1}:job:7' payload 'hello' && redis-cli LPUSH 'hero:{echo-1}:queue' 7
 */
import { finished, parseRedisUrl, RedisJobQueue } from "@herorunner/job";
import { createAdmit, defineRunner } from "@herorunner/runner";

const echoRunner = defineRunner({
  runnerType: "echo",
  runnerId: process.argv[2] ?? "echo-1",
  processJob: (job) => Promise.resolve(finished(job.payload)),
});

const target = parseRedisUrl(process.env["REDIS_URL"] ?? "redis://localhost:6379");
const queue = new RedisJobQueue({ target, runner: echoRunner.runnerId });
const handle = echoRunner.spawn({ queue, admit: createAdmit(echoRunner), concurrency: 4 });
process.once("SIGTERM", () => handle.drain());
const { settled } = await handle.stopped;
console.log(`echoed ${settled} jobs`);
queue.close();
