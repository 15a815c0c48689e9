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
  readonly seconds: number;
}

/** Rejects when the jobs stop coming to an end. */
export async function soak({ url, runner, pid, count, say }: SoakOptions): Promise<SoakReport> {
  const begun = performance.now();
  const jobs = await pushJobs({ url, runner, count, payload: "a small payload" });
  try {
    let warmMiB = 0;
    for (let fifth = 1; fifth <= 5; fifth += 1) {
      await jobs.untilFinal(Math.ceil((count * fifth) / 5));
      const nowMiB = await memoryOf(pid);
      if (fifth === 1) warmMiB = nowMiB;
      say?.(`${await jobs.finals()} of ${count} jobs, ${Math.round(nowMiB)} MiB`);
    }
    const takenAtMs = await jobs.takenAtMs();
    return {
      endings: await jobs.endings(),
      outOfOrder: takenAtMs.filter((atMs, at) => at > 0 && atMs < (takenAtMs[at - 1] ?? 0)).length,
      grownMiB: (await memoryOf(pid)) - warmMiB,
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
