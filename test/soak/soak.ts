/** Many jobs through one runner: do all of them end well, are they taken in order, does its memory stay flat? */
import { readFile } from "node:fs/promises";
import { pushJobs } from "../support/many-jobs.ts";

export interface SoakOptions {
  readonly url: string;
  readonly runner: string;
  /** The runner's process. */
  readonly pid: number;
  readonly count: number;
  /** So many are pushed, looked at and removed at a time: Redis and we are not to hold a million. Default 100 000. */
  readonly waveJobs?: number;
  /** Told now and then how far it is. */
  readonly say?: (line: string) => void;
}

export interface SoakReport {
  readonly endings: Readonly<Record<string, number>>;
  /** Jobs that were taken before one that was pushed earlier. */
  readonly outOfOrder: number;
  /** Resident memory at the end above what it was after a fifth of the jobs. */
  readonly grownMiB: number;
  /** The same above what it was after 1000 jobs. */
  readonly grownFrom1000MiB: number;
  readonly seconds: number;
}

/** Rejects when the jobs stop coming to an end. */
export async function soak({
  url,
  runner,
  pid,
  count,
  say,
  waveJobs = 100_000,
}: SoakOptions): Promise<SoakReport> {
  const begun = performance.now();
  const memoryMiB = new Map<number, number>();
  const marks = [1000, ...[1, 2, 3, 4, 5].map((fifth) => Math.ceil((count * fifth) / 5))];
  const endings: Record<string, number> = {};
  let [outOfOrder, lastTakenAtMs] = [0, 0];
  for (let first = 0; first < count; first += waveJobs) {
    const wave = Math.min(waveJobs, count - first);
    const jobs = await pushJobs({ url, runner, count: wave, payload: "a small payload", first });
    try {
      const within = marks.filter((mark) => mark > first && mark <= first + wave);
      for (const mark of within.toSorted((a, b) => a - b)) {
        await jobs.untilFinal(mark - first);
        memoryMiB.set(mark, await memoryOf(pid));
        say?.(`${first + (await jobs.finals())} of ${count} jobs, ${memoryMiB.get(mark)?.toFixed(1)} MiB`);
      }
      await jobs.untilFinal(wave);
      for (const [word, many] of Object.entries(await jobs.endings()))
        endings[word] = (endings[word] ?? 0) + many;
      for (const atMs of await jobs.takenAtMs()) {
        if (atMs < lastTakenAtMs) outOfOrder += 1;
        lastTakenAtMs = atMs;
      }
      await jobs.forget();
    } finally {
      jobs.close();
    }
  }
  const atEndMiB = await memoryOf(pid);
  const grownFrom = (mark: number): number => atEndMiB - (memoryMiB.get(mark) ?? atEndMiB);
  const seconds = (performance.now() - begun) / 1000;
  return {
    ...{ endings, outOfOrder, seconds },
    ...{ grownMiB: grownFrom(Math.ceil(count / 5)), grownFrom1000MiB: grownFrom(1000) },
  };
}

async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
