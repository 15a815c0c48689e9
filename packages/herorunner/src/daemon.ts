/**
 * From configuration to a live runner and back: opens what the runner needs, in order, says what it found, and closes it
 * again in reverse.
 */
import { join } from "node:path";
import { createLogger, createShutdown, noMetrics, openMetrics, type Shutdown } from "@herorunner/daemon";
import { failed, RedisJobQueue, RedisPresence } from "@herorunner/job";
import {
  type Admit,
  createAdmit,
  createChildExecutor,
  type Executor,
  jobEnvironment,
  noJournal,
  type Runner,
  type RunnerHandle,
} from "@herorunner/runner";
import { showBanner } from "./banner.ts";
import { exitCodes } from "./exit-codes.ts";
import { openHealth } from "./health.ts";
import { createHeroRunner, runnerType } from "./hero-runner.ts";
import { logEvent } from "./job-log.ts";
import { countEvent } from "./metrics.ts";
import type { RunConfig } from "./options.ts";
import { openParts, type Parts } from "./parts.ts";
import { PollWatch } from "./poll-watch.ts";
import { FileReplayJournal } from "./replay-journal.ts";
import { StartRefused } from "./start-refused.ts";
import type { TrustSource } from "./trust-source.ts";
import { version } from "./version.ts";

export interface StartContext {
  /** `--signatures` was said, not defaulted. */
  readonly modeWasChosen: boolean;
  readonly warnings: readonly string[];
}

/** Runs until a signal, a finished burst or a refusal; sets the exit code. Throws only for bugs. */
export async function runDaemon(config: RunConfig, context: StartContext): Promise<void> {
  const { logLevel: level, logFormat: format } = config;
  const logger = createLogger({ level, format, out: process.stdout, err: process.stderr });
  const live: { handle?: RunnerHandle; trust?: TrustSource } = {};
  const shutdown = createShutdown({
    process,
    logger,
    drainTimeoutMs: config.drainTimeoutMs,
    forcedExitCode: exitCodes.aborted,
    abortTimeoutMs: config.graceMs + 15_000,
    onReload: () => live.trust?.reload(),
    stillOpen: () => (live.handle === undefined ? [] : [`${live.handle.health().busy} jobs`]),
  });
  for (const warning of context.warnings) logger.error({}, warning);
  try {
    const parts = openParts(config, context.modeWasChosen, logger);
    live.trust = parts.trust;
    live.handle = await start(parts, shutdown);
    const { aborted } = await live.handle.stopped;
    await shutdown.finish(aborted > 0 ? exitCodes.aborted : exitCodes.drained);
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    logger.error({}, error.message);
    await shutdown.finish(error.exitCode);
  }
}

/** Opens queue, executor and runner; from here on jobs are taken. */
async function start(parts: Parts, shutdown: Shutdown): Promise<RunnerHandle> {
  const { config, logger, identity, trust } = parts;
  const polls = new PollWatch();
  const metrics = config.listen === undefined ? noMetrics : await openMetrics();
  const count = countEvent(metrics);
  const executor = createChildExecutor();
  shutdown.onCleanUp("executor", () => executor.close());
  const { queue, presence } = openQueue(parts, polls, shutdown);
  const { mode } = trust.current();
  const journal =
    mode === "off"
      ? noJournal
      : await FileReplayJournal.open({ folder: join(parts.stateFolder, "replay"), now: Date.now });
  const isolation = "group";
  showBanner(parts, isolation);
  const handle = openRunner(parts, executor).spawn({
    queue,
    presence,
    journal,
    logger,
    admit: openAdmission(parts),
    concurrency: config.concurrency,
    burst: config.burst,
    instance: {
      owner: identity.owner,
      host: identity.host,
      pid: identity.pid,
      version,
      isolation,
      signatures: mode,
      lastPollMs: polls.ageMs,
    },
    onEvent: (event) => {
      logEvent(event, logger);
      count(event);
    },
  });
  shutdown.draining.addEventListener("abort", () => handle.drain());
  shutdown.aborting.addEventListener("abort", () => handle.abort());
  if (config.listen !== undefined) {
    const health = await openHealth({ listen: config.listen, logger, metrics, handle, polls });
    shutdown.onCleanUp("health", () => health.close());
  }
  return handle;
}

function openQueue(
  parts: Parts,
  polls: PollWatch,
  shutdown: Shutdown,
): { queue: RedisJobQueue; presence: RedisPresence } {
  const { config, identity, logger, target, tlsCa } = parts;
  const redis = {
    target,
    runner: config.runnerId,
    keyPrefix: config.keyPrefix,
    ...(tlsCa === undefined ? {} : { tlsCa }),
  };
  const queue = new RedisJobQueue({
    ...redis,
    owner: identity.owner,
    resultTtlSeconds: Math.round(config.resultTtlMs / 1000),
    maxHashBytes: config.maxPayloadBytes + beyondPayloadBytes,
    onPoll: polls.seen,
    onPutAside: ({ jobId, why }) =>
      logger.error({ id: jobId, why }, "an id in the queue could not become a job"),
  });
  shutdown.onCleanUp("queue", () => queue.close());
  const presence = new RedisPresence(redis);
  shutdown.onCleanUp("presence", () => presence.close());
  return { queue, presence };
}

/** What a hash may hold beside its payload: environment, signatures, and what earlier runs left. */
const beyondPayloadBytes = 4 * 1024 * 1024;

function openAdmission({ config, trust, environment }: Parts): Admit {
  return createAdmit({
    runnerId: config.runnerId,
    runnerType,
    trust: () => trust.current(),
    defaultTimeoutSeconds: Math.ceil(config.defaultTimeoutMs / 1000),
    maxTimeoutSeconds: Math.ceil(config.maxTimeoutMs / 1000),
    maxPayloadBytes: config.maxPayloadBytes,
    alsoCheck: (job) => {
      const answer = jobEnvironment(environment, job);
      return answer.ok ? undefined : failed(answer.reason, answer.message);
    },
  });
}

function openRunner({ config, hero, environment }: Parts, executor: Executor): Runner {
  return createHeroRunner({
    runnerId: config.runnerId,
    executor,
    hero,
    invoke: config.invoke,
    environment,
    graceMs: config.graceMs,
    maxOutputBytes: config.maxOutputBytes,
    cwd: process.cwd(),
  });
}
