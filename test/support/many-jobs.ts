/** Many small jobs at once, and what became of them. Each appends its id to a file, so that executions can be counted. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { keysOf, openConnection, parseRedisUrl } from "@herorunner/job";

export interface ManyJobs {
  readonly ids: readonly string[];
  /** How many are final now. */
  finals(): Promise<number>;
  /** Resolves when at least `count` are final; rejects when no job became final for half a minute. */
  untilFinal(count: number): Promise<void>;
  /** Status (or reason) → how many. */
  endings(): Promise<Readonly<Record<string, number>>>;
  /** When each was taken, ms of Redis time, in the order in which they were pushed. */
  takenAtMs(): Promise<readonly number[]>;
  /** Removes everything that Redis knows of them. Only when all are final. */
  forget(): Promise<void>;
  close(): void;
}

export interface Push {
  readonly url: string;
  readonly runner: string;
  readonly count: number;
  readonly payload: string;
  /** The number of the first. Default 0. */
  readonly first?: number;
}

/** Pushes jobs `j0`, `j1` …, all with the same payload, to a runner that has no others. The caller closes. */
export async function pushJobs({ url, runner, count, payload, first = 0 }: Push): Promise<ManyJobs> {
  const connection = openConnection({ target: parseRedisUrl(url), routeKey: "", deadlineMs: 60_000 });
  const keys = keysOf(runner);
  const ids = Array.from({ length: count }, (_unused, at) => `j${first + at}`);
  await Promise.all(
    ids.flatMap((id) => [
      connection.send(["HSET", keys.job(id), "payload", payload]),
      connection.send(["LPUSH", keys.queue, id]),
    ]),
  );
  const field = (id: string, name: string): Promise<string> =>
    connection
      .send(["HGET", keys.job(id), name])
      .then((reply) => (Buffer.isBuffer(reply) ? reply.toString() : ""));
  const words = (): Promise<string[]> =>
    Promise.all(ids.map(async (id) => (await field(id, "reason")) || (await field(id, "status"))));
  const finals = async (): Promise<number> => {
    // Neither waiting nor taken: then it is final, and asking two lists is cheaper than asking thousands of jobs.
    const [waiting, active] = await Promise.all([
      connection.send(["LLEN", keys.queue]),
      connection.send(["LLEN", keys.active]),
    ]);
    return count - Number(waiting) - Number(active);
  };
  return {
    ids,
    finals,
    untilFinal: async (wanted) => {
      let best = { count: -1, atMs: performance.now() };
      for (;;) {
        const now = await finals();
        if (now >= wanted) return;
        if (now > best.count) best = { count: now, atMs: performance.now() };
        if (performance.now() - best.atMs > 30_000)
          throw new Error(`${now} of ${count} jobs are final and no more`);
        await sleep(20);
      }
    },
    endings: async () => {
      const counts: Record<string, number> = {};
      for (const word of await words()) counts[word] = (counts[word] ?? 0) + 1;
      return counts;
    },
    takenAtMs: () => Promise.all(ids.map(async (id) => Number(await field(id, "dispatched_at")))),
    forget: async () => {
      const keysOfJob = (id: string): string[] => [keys.job(id), keys.log(id), keys.reply(id)];
      await Promise.all(ids.map((id) => connection.send(["UNLINK", ...keysOfJob(id)])));
    },
    close: () => connection.close(),
  };
}

/** How often each id stands in the file that the jobs wrote. */
export async function executions(file: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const text = await readFile(file, "utf8").catch(() => "");
  for (const id of text.split("\n").filter((line) => line !== "")) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
