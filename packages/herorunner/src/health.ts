/** What `--listen` serves. Ready means: the queue answered lately and jobs are being taken; a live socket proves nothing. */
import {
  type Address,
  type HealthServer,
  type Logger,
  type Metrics,
  startHealth,
  type Verdict,
} from "@herorunner/daemon";
import type { RunnerHandle } from "@herorunner/runner";
import { watchRunner } from "./metrics.ts";
import type { PollWatch } from "./poll-watch.ts";

/** A wait for jobs lasts 5 s; three of them without an answer is trouble. */
const silentPollMs = 15_000;

export interface HealthWiring {
  readonly listen: Address;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly handle: RunnerHandle;
  readonly polls: PollWatch;
}

export async function openHealth({
  listen,
  logger,
  metrics,
  handle,
  polls,
}: HealthWiring): Promise<HealthServer> {
  watchRunner(metrics, handle, polls);
  const server = await startHealth({
    ...{ listen, logger, metrics },
    healthy: () => ({ reasons: [] }),
    ready: () => readiness(handle, polls.ageMs()),
  });
  logger.info({ host: server.address.host, port: server.address.port }, "health and metrics are served");
  return server;
}

/** Pure but for the handle's own figures. */
export function readiness(handle: Pick<RunnerHandle, "health">, lastPollMs: number | undefined): Verdict {
  const { busy, slots, paused, draining, trouble } = handle.health();
  const reasons: string[] = [];
  if (draining) reasons.push("draining: no more jobs are taken");
  if (trouble !== undefined) reasons.push(trouble);
  const full = busy >= slots; // a full runner does not poll, and that is right
  if (lastPollMs === undefined) reasons.push("the queue has not answered yet");
  else if (lastPollMs > silentPollMs && !full && !paused) {
    reasons.push(`the queue last answered ${Math.round(lastPollMs / 1000)} s ago`);
  }
  return { reasons, details: { last_poll_ms: lastPollMs ?? null, busy, slots, paused } };
}
