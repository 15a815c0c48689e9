/**
 * From configuration to a live runner and back: opens what the runner needs, in order, says what it found, and closes it
 * again in reverse.
 */
import { join } from "node:path";
import { createLogger, createShutdown, noMetrics, openMetrics, type Shutdown } from "@herorunner/daemon";
import { failed, RedisJobQueue, RedisPresence, type RedisTarget } from "@herorunner/job";
import {
  type Admit,
  type ChildExecutor,
  createAdmit,
  createExecutor,
  createPlainLauncher,
  createSpawnServerLauncher,
  type Executor,
  type InstanceFacts,
  IsolationUnavailable,
  jobEnvironment,
  type Launcher,
  noJournal,
  type ReplayJournal,
  type Runner,
  type RunnerSummary,
} from "@herorunner/runner";
import { showBanner } from "./banner.ts";
import { exitCodes } from "./exit-codes.ts";
import { type LiveState, openHealth } from "./health.ts";
import { createHeroRunner, runnerType } from "./hero-runner.ts";
import { logEvent, logPutAside } from "./job-log.ts";
import { countEvent } from "./metrics.ts";
import type { RunConfig } from "./options.ts";
import { openParts, type Parts } from "./parts.ts";
import { PollWatch } from "./poll-watch.ts";
import { openReceipts } from "./receipts.ts";
import { recoverDeadNeighbours } from "./recovery.ts";
import { awaitUsableRedis } from "./redis-check.ts";
import { keepRegistered } from "./register.ts";
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
  const live: LiveState = {};
  let trust: TrustSource | undefined;
  const shutdown = createShutdown({
    process,
    logger,
    drainTimeoutMs: config.drainTimeoutMs,
    forcedExitCode: exitCodes.aborted,
    abortTimeoutMs: config.graceMs + endingMs,
    onReload: () => trust?.reload(),
    stillOpen: () => (live.handle === undefined ? [] : [`${live.handle.health().busy} jobs`]),
  });
  for (const warning of context.warnings) logger.error({}, warning);
  try {
    const parts = openParts(config, context.modeWasChosen, logger);
    trust = parts.trust;
    const summary = await serve(parts, shutdown, live);
    const { settled, aborted } = summary ?? { settled: 0, aborted: 0 };
    logger.info({ jobs: settled, aborted }, "herorunner ends");
    await shutdown.finish(aborted > 0 ? exitCodes.aborted : exitCodes.drained);
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    logger.error({}, error.message);
    await shutdown.finish(error.exitCode);
  }
}

/** Opens what a runner needs, waits for Redis, and lives; undefined when it was stopped before Redis answered. */
async function serve(parts: Parts, shutdown: Shutdown, live: LiveState): Promise<RunnerSummary | undefined> {
  const { config, logger, identity } = parts;
  const polls = new PollWatch();
  const executor = await openExecutor(parts, shutdown);
  const metrics = config.listen === undefined ? noMetrics : await openMetrics();
  const count = countEvent(metrics);
  if (config.listen !== undefined) {
    const health = await openHealth({ listen: config.listen, logger, metrics, live, polls });
    shutdown.onCleanUp("health", () => health.close());
  }
  const { queue, presence } = openQueue(parts, polls, shutdown);
  const signReceipt = config.receiptKey === undefined ? undefined : await openReceipts(config.receiptKey);
  const journal = await openJournal(parts);
  showBanner(parts, executor.isolation);
  await awaitUsableRedis({
    connection: redisOf(parts),
    runnerId: config.runnerId,
    keyPrefix: config.keyPrefix,
    logger,
    signal: shutdown.draining,
    onTrouble: (trouble) => (live.redisTrouble = trouble),
  });
  if (shutdown.draining.aborted) return undefined;
  becomeKnown(parts, shutdown.draining);
  await recoverDeadNeighbours(queue, identity, logger);
  live.handle = openRunner(parts, executor).spawn({
    queue,
    presence,
    journal,
    logger,
    admit: openAdmission(parts),
    concurrency: config.concurrency,
    burst: config.burst,
    timing: { giveUpAfterMs: lastWordsMs },
    ...(signReceipt === undefined ? {} : { signReceipt }),
    instance: instanceFacts(parts, executor, polls),
    onEvent: (event) => {
      if (event.kind === "waiting") polls.asked();
      logEvent(event, logger);
      count(event);
    },
  });
  const { handle } = live;
  // A signal may have come while the last claims were recovered.
  whenAborted(shutdown.draining, () => handle.drain());
  whenAborted(shutdown.aborting, () => handle.abort());
  return handle.stopped;
}

function whenAborted(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
}

function becomeKnown({ config, identity, logger }: Parts, signal: AbortSignal): void {
  if (config.supervisor === undefined) return;
  const { supervisor: supervisorUrl, supervisorKeyFile: keyFile, runnerId } = config;
  keepRegistered({ supervisorUrl, keyFile, runnerId, host: identity.host, logger, signal });
}

function instanceFacts({ identity, trust }: Parts, executor: ChildExecutor, polls: PollWatch): InstanceFacts {
  return {
    owner: identity.owner,
    host: identity.host,
    pid: identity.pid,
    version,
    isolation: executor.isolation,
    signatures: trust.current().mode,
    lastPollMs: polls.ageMs,
  };
}

async function openExecutor({ config, logger }: Parts, shutdown: Shutdown): Promise<ChildExecutor> {
  const launcher = openLauncher(config.launcher, logger);
  const made = createExecutor({ isolation: config.isolation, logger, launcher });
  const executor = await made.catch(async (error: unknown) => {
    await launcher.close();
    throw error instanceof IsolationUnavailable ? new StartRefused(error.message) : error;
  });
  shutdown.onCleanUp("executor", () => executor.close());
  return executor;
}

/** The server comes up beside everything else; until it is there, jobs are started without it. */
function openLauncher(wish: RunConfig["launcher"], logger: Parts["logger"]): Launcher {
  if (wish === "plain") return createPlainLauncher();
  const launcher = createSpawnServerLauncher();
  void launcher.ready.then((ready) => {
    const why = ready ? "a small process starts the jobs" : "no Python 3.8 or newer for a spawn server";
    logger.debug({ launcher: ready ? "spawn server" : "plain", why }, "launcher of jobs");
  });
  return launcher;
}

async function openJournal({ trust, stateFolder }: Parts): Promise<ReplayJournal> {
  if (trust.current().mode === "off") return noJournal;
  const folder = join(stateFolder, "replay");
  try {
    return await FileReplayJournal.open({ folder, now: Date.now });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartRefused(
      `the replay journal cannot be opened: ${why}; name a folder that can be written with --state-dir`,
    );
  }
}

function redisOf({ target, tlsCa }: Parts): { target: RedisTarget; tlsCa?: string } {
  return { target, ...(tlsCa === undefined ? {} : { tlsCa }) };
}

function openQueue(
  parts: Parts,
  polls: PollWatch,
  shutdown: Shutdown,
): { queue: RedisJobQueue; presence: RedisPresence } {
  const { config, identity, logger } = parts;
  const redis = { ...redisOf(parts), runner: config.runnerId, keyPrefix: config.keyPrefix };
  const queue = new RedisJobQueue({
    ...redis,
    owner: identity.owner,
    resultTtlSeconds: Math.round(config.resultTtlMs / 1000),
    maxHashBytes: config.maxPayloadBytes + beyondPayloadBytes,
    onPoll: polls.answered,
    onPutAside: (what) => logPutAside(what, logger),
    onRepaired: (ids) =>
      logger.info({ ids: ids.join(",") }, "Redis had lost the endings of jobs; stored again"),
  });
  shutdown.onCleanUp("queue", () => queue.close());
  const presence = new RedisPresence(redis);
  shutdown.onCleanUp("presence", () => presence.close());
  return { queue, presence };
}

/** After the abort the queue is tried again and again for so long; what ends later gets one try. */
const lastWordsMs = 2_000;
/** Beyond the grace of its processes an aborted job is killed, read out and stored within this, or something hangs. */
const endingMs = 15_000;

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
      return answer.ok ? undefined : failed(answer.reason, `env_vars: ${answer.message}`);
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
