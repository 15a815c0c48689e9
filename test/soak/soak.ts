/** Many jobs through one runner: do all of them end well, are they taken in order, does its memory stay flat? */
import { readFile } from "node:fs/promises";
import { pushJobs } from "../support/many-jobs.ts";

export interface SoakOptions {
  readonly url: string;
  readonly runner: string;
  /** The runner's process. */
  readonly pid: number;
  readonly count: number;
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
export async function soak({ url, runner, pid, count, say }: SoakOptions): Promise<SoakReport> {
  const begun = performance.now();
  const jobs = await pushJobs({ url, runner, count, payload: "a small payload" });
  try {
    const memoryMiB = new Map<number, number>();
    const marks = [1000, ...[1, 2, 3, 4, 5].map((fifth) => Math.ceil((count * fifth) / 5))];
    for (const mark of marks.filter((one) => one <= count).toSorted((a, b) => a - b)) {
      await jobs.untilFinal(mark);
      memoryMiB.set(mark, await memoryOf(pid));
      say?.(`${await jobs.finals()} of ${count} jobs, ${memoryMiB.get(mark)?.toFixed(1)} MiB`);
    }
    const atEndMiB = await memoryOf(pid);
    const grownFrom = (mark: number): number => atEndMiB - (memoryMiB.get(mark) ?? atEndMiB);
    const takenAtMs = await jobs.takenAtMs();
    return {
      endings: await jobs.endings(),
      outOfOrder: takenAtMs.filter((atMs, at) => at > 0 && atMs < (takenAtMs[at - 1] ?? 0)).length,
      grownMiB: grownFrom(Math.ceil(count / 5)),
      grownFrom1000MiB: grownFrom(1000),
      seconds: (performance.now() - begun) / 1000,
    };
  } finally {
    jobs.close();
  }
}

async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
