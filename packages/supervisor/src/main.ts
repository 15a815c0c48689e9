/** The bin `herosupervisor`: options, start, and what its end means for the process. */
import { readFile } from "node:fs/promises";
import {
  batchWrites,
  boundYoungHeap,
  completionScript,
  crashOnBugs,
  createLogger,
  createShutdown,
  load,
  type Logger,
  openMetrics,
  openTracing,
  showAddress,
} from "@herorunner/daemon";
import { maskRedisUrl, withDeadline } from "@herorunner/job";
import { chooseSecret } from "./auth/admin-secret.ts";
import { exitCodes } from "./exit-codes.ts";
import { program, type ServeConfig } from "./options.ts";
import { startSupervisor, type SupervisorOptions } from "./supervisor.ts";
import { version } from "./version.ts";

/** Calls under way may take this long to end when the program stops; waits end at once. */
const lastCallsMs = 5_000;
const drainTimeoutMs = 10_000;
const abortTimeoutMs = 5_000;

const loaded = await load({
  program,
  argv: process.argv.slice(2),
  env: process.env,
  readFile: (path) => readFile(path, "utf8"),
});
switch (loaded.kind) {
  case "text":
    process.stdout.write(loaded.text);
    break;
  case "problems":
    process.stderr.write(loaded.text);
    process.exitCode = exitCodes.usage;
    break;
  case "command":
    if (loaded.command === "completion") {
      process.stdout.write(completionScript(program, loaded.config.shell));
      break;
    }
    process.title = "herosupervisor";
    crashOnBugs({ process, format: loaded.config.logFormat, exitCode: exitCodes.aborted });
    await serve(loaded.config, loaded.warnings);
    break;
}

async function serve(config: ServeConfig, warnings: readonly string[]): Promise<void> {
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    out: batchWrites(process.stdout, process),
    err: process.stderr,
  });
  const shutdown = createShutdown({
    process,
    logger,
    drainTimeoutMs,
    abortTimeoutMs,
    forcedExitCode: exitCodes.aborted,
  });
  const { secret, madeUp, warnings: weak } = chooseSecret(config.adminSecret);
  for (const warning of [...warnings, ...weak]) logger.error({}, warning);
  const tlsCa = await readTlsCa(config.redisCa, logger);
  if (tlsCa === "unreadable") return shutdown.finish(exitCodes.usage);
  try {
    const metrics = await openMetrics();
    const { otlpEndpoint: endpoint } = config;
    const tracing = await openTracing({
      ...{ endpoint, serviceName: "herosupervisor", version, env: process.env, logger },
    });
    if (tracing !== undefined) shutdown.onCleanUp("traces", () => tracing.close());
    const supervisor = await startSupervisor({
      ...(tlsCa === undefined ? {} : { tlsCa: tlsCa.pem }),
      ...supervisorOptions(config),
      adminSecret: secret,
      metrics,
      ...(tracing && { tracing }),
      logger,
    });
    shutdown.onCleanUp("supervisor", async () => {
      const lastCalls = withDeadline(lastCallsMs, shutdown.aborting);
      await supervisor.close(lastCalls.signal).finally(() => lastCalls.stop());
    });
    boundYoungHeap();
    const url = `http://${showAddress({ host: config.host, port: supervisor.port })}`;
    logger.info({ version, url, redis: maskRedisUrl(config.redisUrl) }, "supervisor listens");
    // Nobody else can know it, and it is gone with this process.
    if (madeUp) logger.info({ bearer: secret }, "no admin secret was given; this one is for this run only");
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    logger.error({ error }, `cannot listen on ${config.host} port ${config.port}`);
    return shutdown.finish(exitCodes.aborted);
  }
  shutdown.draining.addEventListener("abort", () => void shutdown.finish(exitCodes.stopped), { once: true });
}

function supervisorOptions(
  config: ServeConfig,
): Omit<SupervisorOptions, "adminSecret" | "metrics" | "logger"> {
  return {
    redisUrl: config.redisUrl,
    keyPrefix: config.keyPrefix,
    host: config.host,
    port: config.port,
    allowedHosts: config.allowHost,
    allowedOrigins: config.allowOrigin,
    tlsProxy: config.tlsProxy,
  };
}

async function readTlsCa(
  path: string | undefined,
  logger: Logger,
): Promise<{ readonly pem: string } | "unreadable" | undefined> {
  if (path === undefined) return undefined;
  try {
    return { pem: await readFile(path, "utf8") };
  } catch (error) {
    logger.error({ error }, "the file of --redis-ca cannot be read");
    return "unreadable";
  }
}
