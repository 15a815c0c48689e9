/**
 * From configuration to a live runner and back: opens what the runner needs, in order, says what it found, and closes it
 * again in reverse.
 */
import { join } from "node:path";
import {
  batchWrites,
  boundYoungHeap,
  createLogger,
  createShutdown,
  type Shutdown,
  type SpanCounts,
} from "@herorunner/daemon";
import { failed, RedisJobQueue, RedisPresence, type RedisTarget } from "@herorunner/job";
import {
  type Admit,
  type ChildExecutor,
  createAdmit,
  createExecutor,
  createPlainLauncher,
  createSpawnServerLauncher,
  type FenceMaker,
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
import type { LiveState } from "./health.ts";
import { createHeroRunner, runnerType } from "./hero-runner.ts";
import { logEvent, logPutAside } from "./job-log.ts";
import { type JobTraces, jobTraces, noTraces, openRunnerTracing } from "./job-traces.ts";
import type { RunnerCounters } from "./metrics.ts";
import { openObservation } from "./observation.ts";
import type { RunConfig } from "./options.ts";
import { openParts, type Parts } from "./parts.ts";
import { PollWatch } from "./poll-watch.ts";
import { openReceipts } from "./receipts.ts";
import { recoverDeadNeighbours } from "./recovery.ts";
import { openRedisCheck } from "./redis-check.ts";
import { keepRegistered } from "./register.ts";
import { Prewarm } from "./prewarm.ts";
import { FileReplayJournal } from "./replay-journal.ts";
import { quickenSignatureChecks } from "./signature-check.ts";
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
  const logger = createLogger({
    level,
    format,
    out: batchWrites(process.stdout, process),
    err: process.stderr,
  });
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
  const redisCheck = openRedisCheck({
    connection: redisOf(parts),
    runnerId: config.runnerId,
    keyPrefix: config.keyPrefix,
    logger,
    signal: shutdown.draining,
    onTrouble: (trouble) => (live.redisTrouble = trouble),
  });
  shutdown.onCleanUp("look at Redis", () => redisCheck.close());
  const { traces, spans } = await openTraces(parts, shutdown);
  const executor = await openExecutor(parts, live, shutdown);
  const { isolation } = executor;
  const counters = await openObservation({ parts, live, polls, isolation, shutdown, spans });
  const { queue, presence } = openQueue(parts, { polls, counters }, shutdown);
  const signReceipt = config.receiptKey === undefined ? undefined : await openReceipts(config.receiptKey);
  const journal = counters.journal(await openJournal(parts));
  showBanner(parts, isolation);
  if (parts.trust.current().mode !== "off") quickenSignatureChecks(config.signatureCheck, logger);
  await redisCheck.usable();
  if (shutdown.draining.aborted) return undefined;
  becomeKnown(parts, shutdown.draining);
  await recoverDeadNeighbours(queue, identity, { logger, onRecovered: counters.recovered });
  live.handle = openRunner(parts, { executor, traces }, shutdown.draining).spawn({
    queue,
    presence,
    journal,
    logger,
    admit: traces.admit(openAdmission(parts)),
    concurrency: config.concurrency,
    burst: config.burst,
    timing: { giveUpAfterMs: lastWordsMs },
    ...(signReceipt === undefined ? {} : { signReceipt: counters.receipts(signReceipt) }),
    instance: instanceFacts(parts, executor, polls),
    onEvent: (event) => {
      if (event.kind === "waiting") polls.asked();
      logEvent(event, logger);
      counters.event(event);
      traces.event(event);
    },
  });
  const { handle } = live;
  boundYoungHeap();
  // A signal may have come while the last claims were recovered.
  whenAborted(shutdown.draining, () => handle.drain());
  whenAborted(shutdown.aborting, () => handle.abort());
  return handle.stopped;
}

async function openTraces(
  parts: Parts,
  shutdown: Shutdown,
): Promise<{ readonly traces: JobTraces; readonly spans: () => SpanCounts }> {
  const tracing = await openRunnerTracing(parts);
  if (tracing === undefined) return { traces: noTraces, spans: () => ({ sent: 0, dropped: 0 }) };
  shutdown.onCleanUp("traces", () => tracing.close());
  const { runnerId, keyPrefix } = parts.config;
  return {
    traces: jobTraces({ tracing, runnerId, keyPrefix, logger: parts.logger }),
    spans: () => tracing.counts(),
  };
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

async function openExecutor(
  { config, logger }: Parts,
  live: LiveState,
  shutdown: Shutdown,
): Promise<ChildExecutor> {
  const makeLauncher = (fences: FenceMaker | undefined): Launcher =>
    openLauncher(config, { logger, live }, fences);
  const made = createExecutor({ isolation: config.isolation, logger, makeLauncher });
  const executor = await made.catch((error: unknown) => {
    throw error instanceof IsolationUnavailable ? new StartRefused(error.message) : error;
  });
  shutdown.onCleanUp("executor", () => executor.close());
  return executor;
}

/** The servers come up beside everything else; until they are there, jobs are started without them. */
function openLauncher(
  { launcher: wish, concurrency, prewarm: prepared }: RunConfig,
  { logger, live }: { readonly logger: Parts["logger"]; readonly live: LiveState },
  fences: FenceMaker | undefined,
): Launcher {
  if (wish === "plain") return createPlainLauncher(fences);
  const launcher = createSpawnServerLauncher({
    concurrency,
    prepared,
    ...(fences !== undefined && { fences }),
    ...(wish === "python" && { programs: ["python"] as const }),
  });
  live.launcher = () => ({ servers: launcher.serverPids.length, lost: launcher.serversLost });
  void launcher.ready.then((ready) => {
    const missing = wish === "python" ? "no Python 3.8" : "neither compiled spawn servers nor Python 3.8";
    const why = ready ? "small processes start the jobs" : missing;
    if (!ready && prepared > 0) logger.error({ why }, "--prewarm does nothing here");
    logger.debug(
      { launcher: ready ? `spawn server, ${launcher.program}` : "plain", why },
      "launcher of jobs",
    );
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
  { polls, counters }: { readonly polls: PollWatch; readonly counters: RunnerCounters },
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
    onReopened: counters.reconnected,
    onPutAside: (what) => {
      counters.putAside(what);
      logPutAside(what, logger);
    },
    onRepaired: (ids) => {
      counters.repaired(ids);
      logger.info({ ids: ids.join(",") }, "Redis had lost the endings of jobs; stored again");
    },
  });
  shutdown.onCleanUp("queue", () => queue.close());
  const presence = new RedisPresence({ ...redis, onReopened: counters.reconnected });
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

function openRunner(
  parts: Parts,
  { executor, traces }: { readonly executor: ChildExecutor; readonly traces: JobTraces },
  ending: AbortSignal,
): Runner {
  const { config, hero, environment } = parts;
  const prewarm = openPrewarm(parts, executor, ending);
  return createHeroRunner({
    ...(prewarm !== undefined && { prewarm }),
    runnerId: config.runnerId,
    traces,
    executor,
    hero,
    invoke: config.invoke,
    environment,
    graceMs: config.graceMs,
    maxOutputBytes: config.maxOutputBytes,
    cwd: jobFolder(),
  });
}

/** Begins beside the first jobs, which do not wait for it. */
function openPrewarm(
  { config, hero, environment, logger }: Parts,
  executor: ChildExecutor,
  ending: AbortSignal,
): Prewarm | undefined {
  if (config.prewarm === 0) return undefined;
  const { base } = environment;
  const options = { executor, count: config.prewarm, environment: base, cwd: jobFolder(), logger, ending };
  const prewarm = new Prewarm(options);
  const found = hero.locate();
  if (found.found) void prewarm.use(found.path);
  return prewarm;
}

/** Where jobs start: where the runner was started. */
function jobFolder(): string {
  return process.cwd();
}
