/** A whole daemon on this package, as small as it gets. SAMPLE_MODE says how it misbehaves. Run by process.test.ts. */
import {
  crashOnBugs,
  createLogger,
  createShutdown,
  load,
  startHealth,
  type RootLogger,
  type Shutdown,
} from "../../src/index.ts";
import { sample } from "./sample-program.ts";

const env = { ...process.env };
const mode = env["SAMPLE_MODE"];
delete env["SAMPLE_MODE"];
const loaded = await load({ program: sample, argv: process.argv.slice(2), env, readFile: () => "" });
if (loaded.kind === "text") process.stdout.write(loaded.text);
else if (loaded.kind === "problems") {
  process.stderr.write(loaded.text);
  process.exitCode = 2;
} else if (loaded.command === "serve") {
  const { config } = loaded;
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    out: process.stdout,
    err: process.stderr,
  });
  crashOnBugs({ process, format: config.logFormat, exitCode: 70 });
  const shutdown = createShutdown({
    process,
    logger,
    drainTimeoutMs: 60_000,
    abortTimeoutMs: 300,
    forcedExitCode: 1,
    onReload: () => logger.info({}, "reloaded"),
  });
  await serve(config.listen ?? { host: "127.0.0.1", port: 0 }, logger, shutdown);
}

async function serve(listen: { host: string; port: number }, logger: RootLogger, shutdown: Shutdown) {
  const health = await startHealth({
    listen,
    logger,
    healthy: () => ({ reasons: [], details: { rss: process.memoryUsage.rss() } }),
    ready: () => ({ reasons: shutdown.draining.aborted ? ["draining"] : [] }),
  });
  shutdown.onCleanUp("health", () => health.close());
  logger.error({ port: health.address.port }, "listening");
  if (mode === "crash") void Promise.reject(new Error("nobody foresaw redis://u:S3CRET@h\n2026 INFO forged"));
  const chatter = setInterval(() => {
    const lines = mode === "chatty" ? 2000 : 0;
    for (let line = 0; line < lines; line++) logger.info({ filler: "x".repeat(1000) }, "talking");
    if (mode === "quiet") logger.info({}, "tick");
  }, 10);
  shutdown.onCleanUp("chatter", () => clearInterval(chatter));
  await new Promise<void>((resolve) => shutdown.draining.addEventListener("abort", () => resolve()));
  if (mode === "stuck") await new Promise(() => {});
  if (mode === "leak") setInterval(() => {}, 1000);
  await shutdown.finish(0);
}
