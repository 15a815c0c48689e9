/** What `--listen` serves. Ready means: the queue answered lately and jobs are being taken; a live socket proves nothing. */
import {
  type Address,
  type HealthServer,
  type Logger,
  type Metrics,
  showAddress,
  startHealth,
  type Verdict,
} from "@herorunner/daemon";
import type { RunnerHandle, RunnerHealth } from "@herorunner/runner";
import { watchRunner } from "./metrics.ts";
import type { PollWatch } from "./poll-watch.ts";
import { StartRefused } from "./start-refused.ts";

/** A wait for jobs lasts 5 s; three of them without an answer is trouble. */
const silentPollMs = 15_000;

/** What is known of the runner while it is started and after. */
export interface LiveState {
  /** Undefined until the runner takes jobs. */
  handle?: RunnerHandle;
  /** What keeps it from starting, if something does. */
  redisTrouble?: string | undefined;
}

/** What of the daemon lives already. */
export interface LiveState {
  handle?: RunnerHandle;
  /** Why Redis is waited for before the runner starts. */
  redisTrouble?: string | undefined;
}

export interface HealthWiring {
  readonly listen: Address;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly live: LiveState;
  readonly polls: PollWatch;
}

/** Throws StartRefused when the address cannot be had. */
export async function openHealth(wiring: HealthWiring): Promise<HealthServer> {
  const { listen, logger, metrics, live, polls } = wiring;
  const runner = (): RunnerHealth | undefined => live.handle?.health();
  watchRunner(metrics, runner, polls);
  const server = await startHealth({
    listen,
    logger,
    metrics,
    healthy: () => ({ reasons: [] }),
    ready: () =>
      live.handle === undefined ? starting(live.redisTrouble) : readiness(live.handle.health(), polls),
  }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartRefused(
      `--listen ${showAddress(listen)} cannot be served: ${why}; choose another address`,
    );
  });
  logger.info({ address: showAddress(server.address) }, "health and metrics are served");
  return server;
}

function starting(trouble: string | undefined): Verdict {
  return { reasons: [trouble ?? "starting: no jobs are taken yet"] };
}

export function readiness(runner: RunnerHealth, polls: Pick<PollWatch, "ageMs" | "silentMs">): Verdict {
  const { busy, slots, paused, draining, trouble } = runner;
  const reasons: string[] = [];
  if (draining) reasons.push("draining: no more jobs are taken");
  if (trouble !== undefined) reasons.push(trouble);
  const asking = busy < slots && !paused; // a full or paused runner does not ask, and that is right
  if (asking && polls.silentMs() > silentPollMs) {
    reasons.push(`the queue has not answered for ${Math.round(polls.silentMs() / 1000)} s`);
  }
  return { reasons, details: { last_poll_ms: polls.ageMs() ?? null, busy, slots, paused } };
}
