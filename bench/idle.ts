/** What a worker with nothing to do costs: processor time, commands sent to Redis, memory. Each has a Redis of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { openConnection, parseRedisUrl } from "@herorunner/job";
import { freePort } from "../test/support/free-port.ts";
import { startRedis } from "../test/support/redis-server.ts";
import type { Entrant } from "./contender.ts";
import type { EntrantList } from "./entrants.ts";
import { short, table } from "./numbers.ts";
import { idleCpuMs, treeUse } from "./process-tree.ts";
import type { Terms } from "./throughput.ts";

/** Until what a worker does after its first job has passed: V8 tidies up its memory once, some ten seconds later. */
const settleMs = 25_000;

export interface IdleTerms extends Terms {
  readonly idleSeconds: number;
}

/** All at the same time, for idle workers do not disturb each other. */
export async function idleTable(list: EntrantList, terms: IdleTerms): Promise<void> {
  const rows = await Promise.all(list.map((entrant) => idleRow(entrant, terms)));
  terms.say(`Idle for ${terms.idleSeconds} s, concurrency 4\n`);
  terms.say(
    table(
      ["worker", "share of a core", "Redis commands a second", "memory of its tree, PSS MiB", "RSS MiB"],
      rows,
    ),
  );
  terms.say("");
}

async function idleRow(
  { name, launch }: Entrant,
  { idleSeconds, program, output }: IdleTerms,
): Promise<readonly string[]> {
  const port = await freePort();
  const redis = await startRedis({ port, args: ["--databases", "64"] });
  try {
    const worker = await launch({ port, program, output, concurrency: 4, queue: "idle" });
    const look = openConnection({ target: parseRedisUrl(redis.url), routeKey: "" });
    const commands = async (): Promise<number> => {
      const text = String(await look.send(["INFO", "stats"]));
      return Number(/total_commands_processed:(\d+)/.exec(text)?.[1] ?? 0);
    };
    try {
      await sleep(settleMs);
      const [commandsBefore, cpuBefore] = [await commands(), idleCpuMs(worker.pid)];
      await sleep(idleSeconds * 1000);
      const cpuMs = idleCpuMs(worker.pid) - cpuBefore;
      const sent = (await commands()) - commandsBefore - 1;
      const { pssMiB, rssMiB } = treeUse(worker.pid);
      return [
        ...[name, `${((cpuMs / (idleSeconds * 1000)) * 100).toFixed(3)} %`],
        ...[short(sent / idleSeconds), short(pssMiB), short(rssMiB)],
      ];
    } finally {
      look.close();
      await worker.end();
    }
  } finally {
    await redis.stop();
  }
}
