/** Whole jobs, many at once and one alone: everybody's workers live through all rounds, and take their turns. */
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../test/support/free-port.ts";
import { startRedis } from "../test/support/redis-server.ts";
import type { Contender } from "./contender.ts";
import type { EntrantList } from "./entrants.ts";
import { median, quantile, ratioOf, short, table } from "./numbers.ts";
import { treeUse } from "./process-tree.ts";

export interface Terms {
  readonly rounds: number;
  readonly jobs: number;
  readonly concurrencies: readonly number[];
  readonly program: string;
  /** What the program makes of the payload. */
  readonly output: string;
  readonly say: (line: string) => void;
}

/** What one contender did, round by round. */
interface Record {
  readonly name: string;
  readonly perSecond: number[];
  readonly cpuMs: number[];
  pssMiB: number;
}

const stallMs = 60_000;

export async function throughputTables(list: EntrantList, terms: Terms, title = "Whole jobs"): Promise<void> {
  for (const concurrency of terms.concurrencies) {
    const records = await withWorkers(list, terms, { concurrency, run: (workers) => race(workers, terms) });
    const [floor] = records;
    terms.say(`${title}, concurrency ${concurrency}\n`);
    terms.say(
      table(
        [
          "worker",
          "jobs/s",
          "jobs/s ÷ bare C",
          "CPU ms a job",
          "CPU ÷ bare C",
          "memory of its tree, PSS MiB",
        ],
        records.map(({ name, perSecond, cpuMs, pssMiB }) => [
          ...[name, short(median(perSecond)), ratioOf(perSecond, floor?.perSecond ?? [])],
          ...[short(median(cpuMs)), ratioOf(cpuMs, floor?.cpuMs ?? []), short(pssMiB)],
        ]),
      ),
    );
    terms.say("");
  }
}

export interface LatencyTerms extends Terms {
  readonly title?: string;
  /** Between two jobs. Default 10. */
  readonly pauseMs?: number;
}

/** Ratios are to the first of the list. */
export async function latencyTable(list: EntrantList, terms: LatencyTerms): Promise<void> {
  const { title = "One job on an idle system, from its submission to its end", pauseMs = 10 } = terms;
  const count = Math.max(10, Math.round(terms.jobs / 20));
  const rows = await withWorkers(list, terms, {
    concurrency: 4,
    run: async (workers) => {
      const times = workers.map(({ name }) => ({ name, p50: [] as number[], p99: [] as number[] }));
      for (let round = 0; round < terms.rounds; round += 1) {
        for (const [at, { worker }] of workers.entries()) {
          const ms: number[] = [];
          for (let one = 0; one < count; one += 1) {
            await sleep(pauseMs);
            ms.push(await worker.single());
          }
          times[at]?.p50.push(median(ms));
          times[at]?.p99.push(quantile(ms, 0.99));
        }
      }
      return times;
    },
  });
  terms.say(`${title}\n`);
  terms.say(
    table(
      ["worker", "p50 ms", `p50 ÷ ${list[0].name}`, "p99 ms"],
      rows.map(({ name, p50, p99 }) => [
        ...[name, short(median(p50)), ratioOf(p50, rows[0]?.p50 ?? []), short(median(p99))],
      ]),
    ),
  );
  terms.say("");
}

interface NamedWorker {
  readonly name: string;
  readonly worker: Contender;
}

/** A Redis for them alone; everything is ended afterwards. */
async function withWorkers<T>(
  list: EntrantList,
  { program, output }: Terms,
  { concurrency, run }: { concurrency: number; run: (workers: readonly NamedWorker[]) => Promise<T> },
): Promise<T> {
  const port = await freePort();
  const redis = await startRedis({ port, args: ["--databases", "64"] });
  const workers: NamedWorker[] = [];
  try {
    for (const [at, { name, launch }] of list.entries()) {
      workers.push({ name, worker: await launch({ port, program, output, concurrency, queue: `q${at}` }) });
    }
    return await run(workers);
  } finally {
    await Promise.allSettled(workers.map(({ worker }) => worker.end()));
    await redis.stop();
  }
}

async function race(workers: readonly NamedWorker[], { rounds, jobs }: Terms): Promise<readonly Record[]> {
  const records = workers.map(({ name }): Record => ({ name, perSecond: [], cpuMs: [], pssMiB: 0 }));
  // The first round warms up and is not counted.
  for (let round = -1; round < rounds; round += 1) {
    for (const [at, { worker }] of workers.entries()) {
      const { perSecond, cpuMs } = await oneBatch(worker, jobs);
      if (round < 0) continue;
      records[at]?.perSecond.push(perSecond);
      records[at]?.cpuMs.push(cpuMs);
    }
  }
  for (const [at, { worker }] of workers.entries()) {
    const record = records[at];
    if (record !== undefined) record.pssMiB = treeUse(worker.pid).pssMiB;
  }
  return records;
}

async function oneBatch(worker: Contender, count: number): Promise<{ perSecond: number; cpuMs: number }> {
  const batch = await worker.prepare(count);
  await sleep(20);
  const before = treeUse(worker.pid).cpuMs;
  const startedMs = performance.now();
  await batch.go();
  let best = { finished: -1, atMs: startedMs };
  for (;;) {
    const finished = await batch.finished();
    if (finished >= count) break;
    if (finished > best.finished) best = { finished, atMs: performance.now() };
    if (performance.now() - best.atMs > stallMs) throw new Error(`${finished} of ${count} jobs and no more`);
    await sleep(2);
  }
  const elapsedMs = performance.now() - startedMs;
  await sleep(20);
  const cpuMs = (treeUse(worker.pid).cpuMs - before) / count;
  await batch.check();
  return { perSecond: (count * 1000) / elapsedMs, cpuMs };
}
