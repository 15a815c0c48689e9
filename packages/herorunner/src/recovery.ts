/**
 * Recovery on the same host: what an earlier process of this runner id held when it died is given back at once, instead
 * of when its leases run out. Only claims of processes that surely live no more are touched; their own processes were
 * ended by the watchdog of the executor.
 */
import type { Logger } from "@herorunner/daemon";
import { QueueError, type ReclaimAnswer, type RedisJobQueue } from "@herorunner/job";
import { type Identity, isDeadNeighbour } from "./identity.ts";
import { logReclaimed } from "./job-log.ts";

export interface Told {
  readonly logger: Logger;
  readonly onRecovered: (answer: ReclaimAnswer) => void;
}

/** When Redis is away again the reaper does it later, so nothing of that is told. */
export async function recoverDeadNeighbours(queue: RedisJobQueue, own: Identity, told: Told): Promise<void> {
  try {
    await recover(queue, own, told);
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
  }
}

async function recover(queue: RedisJobQueue, own: Identity, { logger, onRecovered }: Told): Promise<void> {
  const dead = (await queue.holders()).filter(({ owner }) => isDeadNeighbour(owner, own));
  for (const lease of await queue.abandon(dead)) {
    const answer = await queue.reclaim(lease);
    onRecovered(answer);
    const found = "took over a job of an earlier process on this host";
    logReclaimed({ jobId: lease.jobId, answer }, found, logger);
  }
}
