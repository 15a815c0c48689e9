/**
 * `npm run bench [-- --quick] [--rounds N] [--jobs N] [--concurrency 1,4,16] [--only NAME,NAME]`: whole jobs through
 * herorunner, a bare C loop, a bare Node loop, BullMQ and Celery, on a private Redis, in one run and in turns. Every
 * claim is a ratio to the bare C loop in the same round. README.md in this folder says how to read the tables.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureRedisServer } from "../scripts/redis/ensure.mjs";
import { entrants, type EntrantList } from "./entrants.ts";
import { idleTable } from "./idle.ts";
import { payload } from "./contender.ts";
import { heroTables } from "./hero.ts";
import { startTables } from "./start.ts";
import { latencyTable, throughputTables } from "./throughput.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    jobs: { type: "string" },
    concurrency: { type: "string" },
    only: { type: "string" },
    parts: { type: "string", default: "jobs,hero,latency,idle,start" },
  },
});
// Each worker that is started leaves one, for the case that the bench is ended.
process.setMaxListeners(0);
const say = (line: string): void => console.log(line);
const rounds = Number(values.rounds ?? (values.quick ? 3 : 7));
const jobs = Number(values.jobs ?? (values.quick ? 200 : 600));
const concurrencies = (values.concurrency ?? (values.quick ? "4" : "1,4,16")).split(",").map(Number);
const parts = new Set(values.parts.split(","));

process.env["HERORUNNER_REDIS_SERVER"] = (await ensureRedisServer({ say })).path;
const folder = mkdtempSync(join(tmpdir(), "herorunner-bench-"));
try {
  const program = join(folder, "stub-hero");
  execFileSync("cc", [
    ...["-O2", "-static", "-o", program],
    new URL("programs/stub-hero.c", import.meta.url).pathname,
  ]);
  const list: EntrantList = entrants(folder, { say, only: values.only?.split(",") });
  say(
    `${cpus().length} × ${cpus()[0]?.model ?? "?"}, Node ${process.version}, ${rounds} rounds of ${jobs} jobs`,
  );
  const load = (): void =>
    say(
      `load average ${loadavg()
        .map((each) => each.toFixed(1))
        .join(" ")}\n`,
    );
  load();
  const terms = { rounds, jobs, concurrencies, program, output: payload, say };
  if (parts.has("jobs")) await throughputTables(list, terms);
  if (parts.has("hero")) await heroTables(list, folder, terms);
  if (parts.has("latency")) await latencyTable(list, terms);
  if (parts.has("idle")) await idleTable(list, { ...terms, idleSeconds: values.quick ? 10 : 30 });
  if (parts.has("start")) await startTables(list, terms);
  load();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
