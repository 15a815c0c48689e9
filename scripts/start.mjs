/**
 * `npm start`: builds, brings up a private Redis, the supervisor and one herorunner, runs the example jobs through
 * the supervisor and stays up until Ctrl-C. `npm start -- --once` ends after the examples, with 0 if they ended as they should.
 * Everything it starts ends with it, by pid, and its folder goes with it, even if it is killed.
 */
import { readFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { lastWords, run } from "./command.mjs";
import { examples } from "./start/examples.mjs";
import { startGuard } from "./start/guard.mjs";
import { drainSeconds, repository, services } from "./start/services.mjs";
import { heading, say, showJob, step } from "./start/show.mjs";

const jobTimeoutSeconds = 60;
const waitTimeoutMs = 90_000;
const parentPollMs = 1_000;
/** One Ctrl-C arrives twice, from the terminal and from npm. */
const samePressMs = 300;

const usage = `Usage: npm start [-- --once]

Runs the example jobs on a private Redis, a supervisor and one herorunner, shows their results and stays up.

  --once   end after the examples: exit code 0 if they ended as they should, else 1
  --help   show this text

REDIS_URL names a Redis of yours to use instead of a private one.`;

/** @typedef {import("./start/services.mjs").Stage} Stage */

/** @param {string[]} args */
function optionsOf(args) {
  try {
    return parseArgs({ args, options: { once: { type: "boolean" }, help: { type: "boolean", short: "h" } } })
      .values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

/**
 * The one thing that says "end everything": Ctrl-C, a closed terminal, npm being gone, or a service that fell.
 * @param {{ again: () => void }} patience Called when somebody says it a second time.
 */
function endOfRun(patience) {
  const controller = new AbortController();
  const end = () => controller.abort(new Stopped());
  let firstMs = Infinity;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(name, () => {
      end();
      firstMs = Math.min(firstMs, performance.now());
      if (performance.now() - firstMs > samePressMs) patience.again();
    });
  }
  process.stdout.on("error", end);
  if (process.env["npm_lifecycle_event"] === "start") {
    // npm may be killed without a word to us; we are then the child of somebody else
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || end(), parentPollMs).unref();
  }
  return controller;
}

/** Ended because somebody wanted it, not because something failed. */
class Stopped extends Error {}

/** @param {boolean} once @returns {Promise<number>} the exit code */
async function main(once) {
  const guard = await startGuard();
  const end = endOfRun({ again: guard.insist });
  const { signal } = end;
  const onForeignRedis = Boolean(process.env["REDIS_URL"]);
  /** @type {Stage} */
  const stage = {
    guard,
    signal,
    say: (line) => say(`    ${line}`),
    // on somebody's Redis, the name must not meet another runner's
    runner: onForeignRedis ? `start-${hostname().replace(/[^\w.-]/g, "-")}` : "my-hero-runner",
    redisUrl: "",
    redisCli: "",
    supervisorUrl: "",
    adminSecret: randomBytes(16).toString("hex"),
    running: [],
  };
  try {
    heading("Starting (a few seconds)");
    await step(
      "build",
      () => build(signal),
      () => "every package, compiled",
    );
    for (const { name, start } of services) {
      signal.throwIfAborted();
      await step(name, () => start(stage), String);
    }
    for (const service of stage.running) {
      void service.exited.then((how) => end.abort(new Error(lament(service, how))));
    }
    heading("Example jobs");
    const good = await runExamples(stage);
    if (once) return good ? 0 : 1;
    invite(stage);
    for (const service of stage.running) service.follow((line) => say(`${service.name} │ ${line}`));
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      signal.throwIfAborted();
    });
    return 0;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return once ? 1 : 0;
  } finally {
    const grace = `a job that is running gets ${drainSeconds} s to finish, or none if you press Ctrl-C again`;
    say(signal.aborted ? `Stopping: ${grace}.` : "Stopping …");
    await guard.end();
    say("Stopped: every process has ended and the temporary folder is gone.");
  }
}

/** The packages only: checking the tests as well is the business of `npm test`. @param {AbortSignal} signal */
async function build(signal) {
  const manifest = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
  const compiler = join(repository, "node_modules/.bin/tsc");
  const built = await run(compiler, ["-b", ...manifest.workspaces], { cwd: repository, signal });
  if (built.code !== 0) throw new Error(`The build failed:\n${lastWords(built)}`);
}

/** @param {Stage} stage @returns {Promise<boolean>} whether all ended as they should */
async function runExamples(stage) {
  // built a moment ago, so it cannot be imported any earlier
  const { SupervisorClient } = await import("@herorunner/job");
  const client = await SupervisorClient.connect(stage.supervisorUrl, { apiKey: stage.adminSecret });
  try {
    let good = true;
    for (const [index, example] of examples.entries()) {
      const { payload, envVars = {} } = example;
      const request = { runner: stage.runner, payload, envVars, timeoutSeconds: jobTimeoutSeconds };
      const { id } = await client.submit(request);
      const job = await client.wait(id, {
        runner: stage.runner,
        timeoutMs: waitTimeoutMs,
        signal: stage.signal,
      });
      good = showJob(index + 1, example, job) && good;
    }
    return good;
  } finally {
    client.close();
  }
}

/** @param {import("./start/guard.mjs").Service} service @param {string} how */
function lament(service, how) {
  return `${service.name} ended by itself with ${how}. Its last lines:\n${service.recent()}`;
}

/** @param {Stage} stage */
function invite({ redisCli, runner, supervisorUrl, adminSecret }) {
  heading("Look at it in a browser");
  say(`  ${supervisorUrl}   sign in with ${adminSecret} (good until you stop this)`);
  heading("Submit a job of your own, from another terminal");
  say(`  ${redisCli} HSET 'hero:{${runner}}:job:42' payload 'print("my first job")'`);
  say(`  ${redisCli} LPUSH 'hero:{${runner}}:queue' 42`);
  say(`  ${redisCli} BRPOP 'hero:{${runner}}:reply:42' 30`);
  say(`  ${redisCli} HGETALL 'hero:{${runner}}:job:42'`);
  say("\nPress Ctrl-C to stop. What the runner says follows.\n");
}

const { once = false, help } = optionsOf(process.argv.slice(2));
if (help) {
  say(usage);
} else {
  try {
    process.exitCode = await main(once);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
