/**
 * What `--listen` serves. Healthy means: this process can still do its work, a restart would mend nothing. Ready means: the
 * queue answered lately and jobs are being taken by rules that are in order; a live socket proves nothing.
 */
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
import { exitCodes } from "./exit-codes.ts";
import type { PollWatch } from "./poll-watch.ts";
import { StartRefused } from "./start-refused.ts";
import type { TrustSource } from "./trust-source.ts";
import { asks, type LauncherFacts } from "./watch.ts";

/** A wait for jobs lasts 5 s; three of them without an answer is trouble. */
const silentPollMs = 15_000;
/** Every question to Redis is given up long before. Silence without a word of trouble is a hang of ours. */
const stuckPollMs = 60_000;

/** What is known of the runner while it is started and after. */
export interface LiveState {
  /** Undefined until the runner takes jobs. */
  handle?: RunnerHandle;
  /** What keeps it from starting, if something does. */
  redisTrouble?: string | undefined;
  /** What starts its jobs. */
  launcher?: () => LauncherFacts;
}

export interface HealthWiring {
  readonly listen: Address;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly healthy: () => Verdict;
  readonly ready: () => Verdict;
}

/** Throws StartRefused when the address cannot be had. */
export async function openHealth(wiring: HealthWiring): Promise<HealthServer> {
  const { listen, logger } = wiring;
  const server = await startHealth(wiring).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartRefused(
      `--listen ${showAddress(listen)} cannot be served: ${why}; choose another address`,
      exitCodes.usage,
      error,
    );
  });
  logger.info({ address: showAddress(server.address) }, "health and metrics are served");
  return server;
}

type Polls = Pick<PollWatch, "ageMs" | "silentMs">;

/** What the checks look at. */
export interface Checked {
  readonly live: LiveState;
  readonly polls: Polls;
  readonly trust: Pick<TrustSource, "current" | "state">;
  readonly version: string;
}

export function healthOf({ live, polls, version }: Checked): Verdict {
  const details = { pid: process.pid, version, uptime_s: Math.round(process.uptime()) };
  const runner = live.handle?.health();
  const stuck = runner !== undefined && asks(runner) && runner.trouble === undefined;
  if (!stuck || polls.silentMs() < stuckPollMs) return { reasons: [], details };
  const seconds = Math.round(polls.silentMs() / 1000);
  return {
    reasons: [
      `a wait for jobs has hung for ${seconds} s although Redis is not in trouble; restart herorunner`,
    ],
    details,
  };
}

export function readinessOf({ live, polls, trust }: Checked): Verdict {
  const runner = live.handle?.health();
  const { problem, reloadedAtMs } = trust.state();
  const details = {
    signatures: trust.current().mode,
    trust_reloaded_at_ms: reloadedAtMs ?? null,
    trust_problem: problem ?? null,
  };
  const verdict =
    runner === undefined
      ? { reasons: [live.redisTrouble ?? "starting: no jobs are taken yet"] }
      : readiness(runner, polls);
  const reasons =
    problem === undefined
      ? verdict.reasons
      : [...verdict.reasons, `the trust file is not usable, an old one is in force: ${problem}`];
  return { reasons, details: { ...verdict.details, ...details } };
}

export function readiness(runner: RunnerHealth, polls: Polls): Verdict {
  const { busy, slots, paused, draining, trouble, troubleCode } = runner;
  const reasons: string[] = [];
  if (draining) reasons.push("draining: no more jobs are taken");
  if (troubleCode === "FULL")
    reasons.push("Redis is full: it takes no new jobs; endings are stored all the same");
  if (trouble !== undefined) reasons.push(trouble);
  if (asks(runner) && polls.silentMs() > silentPollMs) {
    reasons.push(`the queue has not answered for ${Math.round(polls.silentMs() / 1000)} s`);
  }
  const redis_trouble = troubleCode?.toLowerCase() ?? null;
  return {
    reasons,
    details: { last_poll_ms: polls.ageMs() ?? null, busy, slots, paused, draining, redis_trouble },
  };
}
