/**
 * npm run chaos -- [--minutes N | --seconds N] [--seed N] [--runners N] [--slots N] [--rate JOBS_PER_SECOND]
 *                  [--everysec]
 *
 * Prints the seed first, what is broken as it happens, and the report. Exit code 1 when a promise was broken.
 */
import { parseArgs } from "node:util";
import { ensureRedisServer } from "../../scripts/redis/ensure.mjs";
import { runChaos } from "./chaos.ts";

const number = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    minutes: number,
    seconds: number,
    seed: number,
    runners: number,
    slots: number,
    rate: number,
    everysec: { type: "boolean" },
  },
});
const seconds = values.seconds === undefined ? Number(values.minutes ?? "2") * 60 : Number(values.seconds);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const { path } = await ensureRedisServer({ say: (line: string) => console.error(line) });
process.env["HERORUNNER_REDIS_SERVER"] = path;

// Ending the process ends what it started; see fleet.ts and redis-server.ts.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

console.log(`chaos: seed ${seed}, ${seconds} s`);
const beganMs = performance.now();
const report = await runChaos({
  ...{ seed, seconds, runners: Number(values.runners ?? "3"), slots: Number(values.slots ?? "4") },
  jobsPerSecond: Number(values.rate ?? "12"),
  appendfsync: values.everysec === true ? "everysec" : "always",
  say: (line) => console.log(`${((performance.now() - beganMs) / 1000).toFixed(1).padStart(7)} s  ${line}`),
});
const { violations, ...tally } = report.tally;
console.log(JSON.stringify({ ...report, tally }, undefined, 2));
if (violations.length > 0) {
  console.log(`BROKEN (${violations.length}): ${violations[0]}`);
  process.exitCode = 1;
} else console.log("every promise was kept");
