/** From the start of a worker to the end of its first job, which waits for it, beside the start of Node itself. */
import { execFileSync } from "node:child_process";
import { freePort } from "../test/support/free-port.ts";
import { startRedis } from "../test/support/redis-server.ts";
import type { EntrantList } from "./entrants.ts";
import { median, ratioOf, short, table } from "./numbers.ts";
import type { Terms } from "./throughput.ts";

export async function startTable(list: EntrantList, { rounds, program, say }: Terms): Promise<void> {
  const port = await freePort();
  const redis = await startRedis({ port, args: ["--databases", "64"] });
  const bare: number[] = [];
  // Python's producer is itself started for each task and would be measured with it.
  const workers = list
    .filter(({ name }) => name !== "Celery")
    .map((each) => ({ ...each, ms: [] as number[] }));
  try {
    for (let round = 0; round < rounds; round += 1) {
      const startedMs = performance.now();
      execFileSync(process.execPath, ["-e", "0"]);
      bare.push(performance.now() - startedMs);
      for (const [at, { launch, ms }] of workers.entries()) {
        const launchedMs = performance.now();
        const worker = await launch({ port, program, concurrency: 4, queue: `s${at}` });
        ms.push(performance.now() - launchedMs);
        await worker.end();
      }
    }
  } finally {
    await redis.stop();
  }
  say("Start to the end of a first job\n");
  const rows = workers.map(({ name, ms }) => [name, short(median(ms)), ratioOf(ms, bare)]);
  say(table(["worker", "ms", "÷ `node -e 0`"], [["`node -e 0`", short(median(bare)), "1"], ...rows]));
  say("");
}
