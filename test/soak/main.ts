/**
 * `npm run soak [-- JOBS [SLOTS]]`: 10 000 jobs through 8 slots of a herorunner on a private Redis. Exits 0 when all finished,
 * were taken in order, and the runner's memory did not grow by more than 50 MiB after the first fifth.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureRedisServer } from "../../scripts/redis/ensure.mjs";
import { launchHerorunner } from "../support/herorunner-process.ts";
import { startRedis } from "../support/redis-server.ts";
import { soak } from "./soak.ts";

const count = Number(process.argv[2] ?? 10_000);
const slots = Number(process.argv[3] ?? 8);
const mostGrowthMiB = 50;
const say = (line: string): void => console.log(line);

process.env["HERORUNNER_REDIS_SERVER"] = (await ensureRedisServer({ say })).path;
const server = await startRedis();
const folder = await mkdtemp(join(tmpdir(), "herorunner-soak-"));
try {
  const hero = join(folder, "hero");
  await writeFile(hero, "#!/bin/sh\nexec /bin/cat\n", { mode: 0o755 });
  const runner = await launchHerorunner(["-r", server.url, "soak", "-c", String(slots), "--hero", hero]);
  try {
    const report = await soak({ url: server.url, runner: "soak", pid: runner.pid, count, say });
    const good =
      report.endings["finished"] === count && report.outOfOrder === 0 && report.grownMiB < mostGrowthMiB;
    say(
      `${JSON.stringify(report.endings)}, ${report.outOfOrder} out of order, memory grew by ${report.grownMiB.toFixed(1)} MiB, from job 1000 on by ${report.grownFrom1000MiB.toFixed(1)}`,
    );
    say(
      `${(count / report.seconds).toFixed(0)} jobs a second over ${report.seconds.toFixed(1)} s: ${good ? "good" : "NOT GOOD"}`,
    );
    process.exitCode = good ? 0 : 1;
  } finally {
    await runner.end();
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
